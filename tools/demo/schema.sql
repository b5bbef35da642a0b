-- The package index of a Debian machine: one row per package, one per dependency edge.
CREATE TABLE package (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    version       TEXT NOT NULL,
    section       TEXT NOT NULL,
    priority      TEXT NOT NULL,
    maintainer    TEXT NOT NULL,
    installed_kib INTEGER NOT NULL CHECK (installed_kib >= 0),
    size          INTEGER NOT NULL,
    summary       TEXT NOT NULL
);
CREATE TABLE dependency (
    package_id  INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    position    INTEGER NOT NULL,
    alternative INTEGER NOT NULL
);
CREATE TABLE installation (
    id      INTEGER PRIMARY KEY,
    package TEXT NOT NULL,
    step    INTEGER NOT NULL
);

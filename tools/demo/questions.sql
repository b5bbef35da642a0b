.timer on
.print
.print What the index holds
SELECT (SELECT count(*) FROM package) AS packages,
       (SELECT count(*) FROM dependency) AS edges,
       (SELECT count(DISTINCT maintainer) FROM package) AS maintainers,
       (SELECT round(sum(size) / 1073741824.0, 1) FROM package) AS download_gib;

.print
.print The largest sections
SELECT section, count(*) AS packages, round(sum(installed_kib) / 1048576.0, 1) AS installed_gib,
       repeat('█', CAST(count(*) * 40 / max(count(*)) OVER () AS INTEGER)) AS share
FROM package GROUP BY section ORDER BY packages DESC LIMIT 12;

.print
.print The packages that most others depend on, directly
SELECT d.name, count(DISTINCT d.package_id) AS dependents,
       repeat('█', CAST(count(DISTINCT d.package_id) * 40 / max(count(DISTINCT d.package_id)) OVER () AS INTEGER)) AS share
FROM dependency d
WHERE d.kind = 'depends'
GROUP BY d.name ORDER BY dependents DESC, d.name LIMIT 10;

.print
.print What the GNOME package with the most dependencies pulls in, step by step
WITH RECURSIVE root AS (
    SELECT p.name FROM package p JOIN dependency d ON d.package_id = p.id
    WHERE p.section = 'gnome' AND d.kind = 'depends'
    GROUP BY p.name ORDER BY count(*) DESC, p.name LIMIT 1),
needs (name, step) AS (
    SELECT name, 0 FROM root
    UNION
    SELECT d.name, n.step + 1
    FROM needs n JOIN package p ON p.name = n.name JOIN dependency d ON d.package_id = p.id
    WHERE d.kind = 'depends' AND d.alternative = 1 AND n.step < 10),
nearest AS (SELECT name, min(step) AS step FROM needs GROUP BY name)
SELECT n.step, count(*) AS packages, round(sum(p.installed_kib) / 1024.0, 1) AS mib, min(p.name) AS for_example,
       repeat('█', CAST(count(*) * 40 / max(count(*)) OVER () AS INTEGER)) AS share
FROM nearest n JOIN package p ON p.name = n.name
GROUP BY n.step ORDER BY n.step;

.print
.print The largest package of each of the ten largest sections
WITH ranked AS (
    SELECT section, name, installed_kib,
           row_number() OVER (PARTITION BY section ORDER BY installed_kib DESC, name) AS place,
           sum(installed_kib) OVER (PARTITION BY section) AS total
    FROM package)
SELECT section, name, round(installed_kib / 1024.0, 1) AS mib
FROM ranked WHERE place = 1 ORDER BY total DESC LIMIT 10;

.print
.print Names that something depends on and no package has
SELECT count(*) AS names FROM (
    SELECT DISTINCT name FROM dependency d
    WHERE kind = 'depends' AND NOT EXISTS (SELECT 1 FROM package p WHERE p.name = d.name)) AS missing;

.print
.print One row by key, and its plan
SELECT id, name, version, summary FROM package WHERE id = 4242;
.timer off
EXPLAIN SELECT id, name, version, summary FROM package WHERE id = 4242;

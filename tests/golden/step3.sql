-- As step 1, with history: superseded rows in history volumes and in the root, marks and packed rows with their sequences.
CREATE TABLE everything (id INTEGER PRIMARY KEY, b BOOLEAN, t TINYINT, s SMALLINT, i INT4, n INTEGER, u UBIGINT,
    f4 FLOAT4, f FLOAT, d DECIMAL(10, 2), w DECIMAL(30, 5), x TEXT, y BLOB, day DATE, at TIME, moment TIMESTAMP, span INTERVAL);
INSERT INTO everything VALUES
    (1, true, -8, -16, -32, -64, 18446744073709551615, 1.5, 0.1, 12.34, 1234567890123456789.12345, 'short', x'00ff',
     '2026-11-21', '12:34:56.789', '2026-11-21 01:02:03', INTERVAL '1 year 2 days 3 hours'),
    (-5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (7, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'a text that is longer than twelve bytes', x'', '0001-01-01', '00:00:00', '1969-12-31', INTERVAL '0 days');
CREATE TABLE many (id INTEGER PRIMARY KEY, word TEXT NOT NULL, number INTEGER UNIQUE);
INSERT INTO many SELECT v, 'word ' || (v % 97), v * 3 FROM generate_series(1, 10000) AS g (v);
CREATE INDEX many_word ON many (word);
CREATE VIEW even AS SELECT * FROM many WHERE id % 2 = 0;
CHECKPOINT;
UPDATE many SET word = 'changed' WHERE id % 1000 = 0;
DELETE FROM many WHERE id % 1000 = 1;
UPDATE many SET number = -number WHERE id BETWEEN 500 AND 600;
CHECKPOINT;
UPDATE many SET number = -number WHERE id BETWEEN 500 AND 600;
CHECKPOINT;
UPDATE everything SET n = n + 1, x = x || '!' WHERE id = 1;
UPDATE everything SET n = n - 1, x = 'short' WHERE id = 1;
CHECKPOINT;
UPDATE many SET word = 'changed' WHERE id = 3000;

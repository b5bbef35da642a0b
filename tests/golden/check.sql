SELECT * FROM everything ORDER BY id;
SELECT count(*), sum(number), min(word), max(word) FROM many;
SELECT count(*) FROM even;
SELECT id FROM many WHERE word = 'changed' ORDER BY id;
SELECT id, number FROM many WHERE number = 2997;
SELECT count(*) FROM many WHERE word = 'word 5';
PRAGMA integrity_check;

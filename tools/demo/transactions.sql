.print A change that is taken back, and a part of one
BEGIN;
DELETE FROM dependency WHERE kind = 'suggests';
SAVEPOINT before_packages;
DELETE FROM package;
SELECT 'inside, after two DELETEs' AS moment, (SELECT count(*) FROM package) AS packages, (SELECT count(*) FROM dependency) AS edges;
ROLLBACK TO before_packages;
SELECT 'inside, after ROLLBACK TO' AS moment, (SELECT count(*) FROM package) AS packages, (SELECT count(*) FROM dependency) AS edges;
ROLLBACK;
SELECT 'after ROLLBACK' AS moment, (SELECT count(*) FROM package) AS packages, (SELECT count(*) FROM dependency) AS edges;

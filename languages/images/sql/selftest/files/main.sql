.read tables.sql
SELECT text FROM texts;

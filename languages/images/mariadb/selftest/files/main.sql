source texts.sql
SELECT text FROM texts;

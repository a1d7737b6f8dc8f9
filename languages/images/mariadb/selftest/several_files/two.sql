CREATE TABLE two AS SELECT 'two' AS text;

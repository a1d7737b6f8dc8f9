CREATE TABLE three AS SELECT 'three' AS text;

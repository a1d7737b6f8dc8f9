CREATE TABLE lines_read (text text);
LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE lines_read;
SELECT 'żółć, 中文 🚀' AS text UNION ALL SELECT text FROM lines_read;

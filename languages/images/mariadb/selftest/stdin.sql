CREATE TABLE lines_read (number int AUTO_INCREMENT PRIMARY KEY, text text);
LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE lines_read (text);
SELECT text FROM lines_read ORDER BY number;

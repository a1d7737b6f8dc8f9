CREATE TEMPORARY TABLE found (at int AUTO_INCREMENT PRIMARY KEY, text text);
INSERT INTO found (text)
SELECT CONCAT('collections: ', GROUP_CONCAT(CONCAT(letter, '=', count) ORDER BY letter SEPARATOR ' '))
FROM (SELECT letter, COUNT(*) AS count FROM (SELECT 'a' AS letter UNION ALL SELECT 'a' UNION ALL SELECT 'b') AS letters GROUP BY letter) AS counts;
INSERT INTO found (text) VALUES
    (CONCAT('regex: ', REGEXP_REPLACE('on 2024-03-01', '.*(\\d{4})-(\\d{2}).*', '\\1 \\2'))),
    (CONCAT('json: ', JSON_COMPACT(JSON_EXTRACT('{"list": [1, 2, 3]}', '$.list')))),
    (CONCAT('bigint: ', CAST(18446744073709551616 AS DECIMAL(30)) * 68719476736));
INSERT INTO found (text)
SELECT CONCAT('sort: ', GROUP_CONCAT(fruit ORDER BY fruit SEPARATOR ' '))
FROM JSON_TABLE('["pear", "fig", "apple"]', '$[*]' COLUMNS (fruit text PATH '$')) AS fruits;
INSERT INTO found (text) VALUES (CONCAT('date: ', DATE '2024-02-28' + INTERVAL 2 DAY));
SELECT text FROM found ORDER BY at INTO OUTFILE '/tmp/found';
system cat /tmp/found

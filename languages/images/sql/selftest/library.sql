.mode list
.separator " "
CREATE TABLE letters (letter TEXT);
INSERT INTO letters VALUES ('a'), ('a'), ('b');
SELECT 'collections: ' || group_concat(part, ' ') FROM (SELECT letter || '=' || count(*) AS part FROM letters GROUP BY letter);
SELECT 'json: ' || json_extract('{"list": [1, 2, 3]}', '$.list');
SELECT 'sort: ' || group_concat(fruit, ' ') FROM (SELECT value AS fruit FROM json_each('["pear", "fig", "apple"]') ORDER BY value);
SELECT 'date: ' || date('2024-02-28', '+2 days');

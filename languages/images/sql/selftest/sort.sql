.mode list
.separator " "
CREATE TABLE numbers AS
WITH RECURSIVE series(i, x) AS (
    SELECT 1, (42 * 1103515245 + 12345) % 2147483648
    UNION ALL
    SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM series WHERE i < 1000000
)
SELECT x FROM series ORDER BY x;
SELECT (SELECT x FROM numbers WHERE rowid = 1), (SELECT x FROM numbers WHERE rowid = 500001), (SELECT x FROM numbers WHERE rowid = 1000000);

\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '
CREATE TABLE numbers AS
WITH RECURSIVE series (i, x) AS (
    SELECT 1, (42::bigint * 1103515245 + 12345) % 2147483648
    UNION ALL
    SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM series WHERE i < 1000000
)
SELECT row_number() OVER (ORDER BY x) AS place, x FROM series;
SELECT max(x) FILTER (WHERE place = 1), max(x) FILTER (WHERE place = 500001), max(x) FILTER (WHERE place = 1000000)
FROM numbers;

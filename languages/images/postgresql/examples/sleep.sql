\pset format unaligned
\pset tuples_only on
SELECT 1;
SELECT pg_sleep(0.4) \g /dev/null
SELECT 2;
SELECT pg_sleep(0.4) \g /dev/null
SELECT 3;
SELECT pg_sleep(0.4) \g /dev/null
SELECT 4;
SELECT pg_sleep(0.4) \g /dev/null
SELECT 5;

\echo before
SELECT 2147483647 + 1;

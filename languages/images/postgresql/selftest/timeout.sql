\echo started
SELECT count(*) FROM generate_series(1, 1000000000000) AS numbers (n) WHERE n < 0;

SELECT count(n) FROM (SELECT array_agg(n || repeat('y', 1000)) AS n FROM generate_series(1, 1000000) AS numbers (n)) AS kept;

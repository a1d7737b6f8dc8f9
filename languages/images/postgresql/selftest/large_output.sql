SELECT repeat('y', 500000) AS text \gset
\echo -n :text
\quit

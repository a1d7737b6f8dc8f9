\ir shapes.sql
\pset format unaligned
\pset tuples_only on
SELECT '4 squared is ' || squared(4);

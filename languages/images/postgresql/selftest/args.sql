\echo :arg1
\echo :arg2
\pset format unaligned
\pset tuples_only on
SELECT :'arg3' UNION ALL SELECT :'arg4';

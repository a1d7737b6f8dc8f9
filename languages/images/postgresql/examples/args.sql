\pset format unaligned
\pset tuples_only on
SELECT 'Hello, ' || name || '!' FROM (VALUES (:'arg1'), (:'arg2')) AS people (name);

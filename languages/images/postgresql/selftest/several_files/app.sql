\i two.sql
\i lib/three.sql
\pset format unaligned
\pset tuples_only on
SELECT 'one';
SELECT text FROM two;
SELECT text FROM three;

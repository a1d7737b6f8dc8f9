\ir texts.sql
\pset format unaligned
\pset tuples_only on
SELECT text FROM texts;

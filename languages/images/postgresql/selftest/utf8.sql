\pset format unaligned
\pset tuples_only on
CREATE TABLE lines (text text);
\copy lines FROM pstdin
SELECT 'żółć, 中文 🚀' UNION ALL SELECT text FROM lines;

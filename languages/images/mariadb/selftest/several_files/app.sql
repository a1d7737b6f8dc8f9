source two.sql
source lib/three.sql
SELECT 'one' AS text UNION ALL SELECT text FROM two UNION ALL SELECT text FROM three;

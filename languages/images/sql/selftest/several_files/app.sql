.read two.sql
.read lib/three.sql
SELECT 'one';
SELECT text FROM two;
SELECT text FROM three;

\pset format unaligned
\pset tuples_only on
CREATE TABLE numbers (number int);
\copy numbers FROM pstdin
SELECT count(*) || ' numbers, sum ' || sum(number) FROM numbers;

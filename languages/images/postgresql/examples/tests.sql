\pset format unaligned
\pset tuples_only on
CREATE TABLE input (number int);
\copy input FROM pstdin
SELECT CASE
    WHEN number % 15 = 0 THEN 'FizzBuzz'
    WHEN number % 3 = 0 THEN 'Fizz'
    WHEN number % 5 = 0 THEN 'Buzz'
    ELSE number::text
END
FROM input;

\pset format unaligned
\pset tuples_only on
CREATE TABLE lines (number serial, text text);
\copy lines (text) FROM pstdin WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SELECT text FROM lines ORDER BY number;

CREATE TABLE people (name varchar(50) PRIMARY KEY);
INSERT INTO people VALUES ('Ada'), ('Alan');

SELECT name FROM people;

SELECT age FROM people;

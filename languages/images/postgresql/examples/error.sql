CREATE TABLE people (name text PRIMARY KEY);
INSERT INTO people VALUES ('Ada'), ('Alan');

SELECT name FROM people;

SELECT age FROM people;

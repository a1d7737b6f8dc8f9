CREATE TABLE texts (text text);
INSERT INTO texts VALUES ('from another file');

CREATE TABLE texts (text TEXT);
INSERT INTO texts VALUES ('from another file');

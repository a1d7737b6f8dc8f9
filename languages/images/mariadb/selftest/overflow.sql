SELECT 'before';
CREATE TABLE numbers (number int);
INSERT INTO numbers VALUES (2147483647 + 1);

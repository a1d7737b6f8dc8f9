SELECT 'before';

SELECT * FROM undeclared;

CREATE FUNCTION squared(side int) RETURNS int LANGUAGE sql RETURN side * side;

program Wrong;
begin
  Undeclared := 1;
end.

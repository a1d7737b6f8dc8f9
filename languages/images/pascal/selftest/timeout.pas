program Forever;
begin
  WriteLn('started');
  while True do;
end.

program Forever;
begin
  WriteLn('started');
  Flush(Output);
  while True do;
end.

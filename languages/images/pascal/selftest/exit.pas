program Leave;
begin
  WriteLn('leaving');
  Halt(7);
end.

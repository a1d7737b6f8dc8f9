program Large;
var
  I: LongInt;
begin
  for I := 1 to 500000 do
    Write('y');
  Halt(0);
end.

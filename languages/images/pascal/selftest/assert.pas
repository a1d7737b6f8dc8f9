program Asserting;
begin
  WriteLn('before');
  Assert(ParamCount = 3);
end.

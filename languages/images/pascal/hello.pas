program Hello;
begin
  WriteLn('Hello from Pascal!');
end.

program App;
uses
  Two, Three;
begin
  {$ifdef ONE}
  WriteLn('one');
  {$endif}
  WriteLn(TextOfTwo);
  WriteLn(TextOfThree);
end.

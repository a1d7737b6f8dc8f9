program Unicode;
var
  Line: string;
begin
  WriteLn('żółć, 中文 🚀');
  ReadLn(Line);
  WriteLn(Line);
end.

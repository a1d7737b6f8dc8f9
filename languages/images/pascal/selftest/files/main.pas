program Several;
uses
  Other;
begin
  WriteLn(Text);
end.

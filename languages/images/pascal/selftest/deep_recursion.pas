program Deep;

function Depth(Left: LongInt): LongInt;
begin
  if Left = 0 then
    Depth := 0
  else
    Depth := 1 + Depth(Left - 1);
end;

begin
  WriteLn(Depth(200000));
end.

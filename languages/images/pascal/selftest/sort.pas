program Sorting;
{$mode objfpc}
const
  Count = 1000000;
var
  Numbers: array[0..Count - 1] of Int64;
  X: Int64 = 42;
  I: LongInt;

procedure QuickSort(First, Last: LongInt);
var
  Left, Right: LongInt;
  Middle, Swap: Int64;
begin
  Left := First;
  Right := Last;
  Middle := Numbers[(First + Last) div 2];
  repeat
    while Numbers[Left] < Middle do Inc(Left);
    while Numbers[Right] > Middle do Dec(Right);
    if Left <= Right then
    begin
      Swap := Numbers[Left];
      Numbers[Left] := Numbers[Right];
      Numbers[Right] := Swap;
      Inc(Left);
      Dec(Right);
    end;
  until Left > Right;
  if First < Right then QuickSort(First, Right);
  if Left < Last then QuickSort(Left, Last);
end;

begin
  for I := 0 to Count - 1 do
  begin
    X := (X * 1103515245 + 12345) mod 2147483648;
    Numbers[I] := X;
  end;
  QuickSort(0, Count - 1);
  WriteLn(Numbers[0], ' ', Numbers[500000], ' ', Numbers[Count - 1]);
end.

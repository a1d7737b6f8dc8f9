with Ada.Text_IO; use Ada.Text_IO;
with Two;
with Three;

procedure App is
begin
   Put_Line ("one");
   Put_Line (Two);
   Put_Line (Three);
end App;

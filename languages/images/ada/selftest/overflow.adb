with Ada.Command_Line;
with Ada.Text_IO;

procedure Main is
   Largest : Integer;
begin
   Ada.Text_IO.Put_Line ("before");
   Largest := Integer'Last - Ada.Command_Line.Argument_Count;
   Largest := Largest + 1;
   Ada.Text_IO.Put_Line (Largest'Image);
end Main;

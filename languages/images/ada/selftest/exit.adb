with Ada.Command_Line;
with Ada.Text_IO;

procedure Main is
begin
   Ada.Text_IO.Put_Line ("leaving");
   Ada.Command_Line.Set_Exit_Status (7);
end Main;

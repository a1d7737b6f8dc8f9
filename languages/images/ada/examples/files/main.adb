with Ada.Text_IO;
with Shapes;

procedure Main is
begin
   Ada.Text_IO.Put_Line ("4 squared is" & Shapes.Squared (4)'Image);
end Main;

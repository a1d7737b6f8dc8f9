with Ada.Text_IO;

procedure Main is
   Count : Integer := 1;
begin
   Count := "one";
   Ada.Text_IO.Put_Line (Count'Image);
end Main;

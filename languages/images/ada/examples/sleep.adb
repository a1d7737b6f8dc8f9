with Ada.Text_IO;

procedure Main is
begin
   for Number in 1 .. 5 loop
      Ada.Text_IO.Put_Line (Character'Val (Character'Pos ('0') + Number) & "");
      delay 0.4;
   end loop;
end Main;

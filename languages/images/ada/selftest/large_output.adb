with Ada.Text_IO;
with GNAT.OS_Lib;

procedure Main is
begin
   for I in 1 .. 500_000 loop
      Ada.Text_IO.Put ('y');
   end loop;
   GNAT.OS_Lib.OS_Exit (0);
end Main;

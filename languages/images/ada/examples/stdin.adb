with Ada.Integer_Text_IO;
with Ada.Text_IO; use Ada.Text_IO;

procedure Main is
   Number : Integer;
   Count  : Natural := 0;
   Sum    : Integer := 0;
begin
   while not End_Of_File loop
      Ada.Integer_Text_IO.Get (Number);
      Skip_Line;
      Count := Count + 1;
      Sum := Sum + Number;
   end loop;
   Put_Line (Count'Image (2 .. Count'Image'Last) & " numbers, sum" & Sum'Image);
end Main;

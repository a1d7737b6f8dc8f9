with Ada.Text_IO;

procedure Main is
   function Depth (Left : Natural) return Natural is (if Left = 0 then 0 else 1 + Depth (Left - 1));

   Image : constant String := Depth (200_000)'Image;
begin
   Ada.Text_IO.Put_Line (Image (2 .. Image'Last));
end Main;

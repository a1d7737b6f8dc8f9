with Ada.Containers.Vectors;
with Ada.Text_IO;

procedure Main is
   type Number is range 0 .. 2 ** 62;
   package Numbers is new Ada.Containers.Vectors (Natural, Number);
   package Sorting is new Numbers.Generic_Sorting;

   function Image (Value : Number) return String is
      Text : constant String := Value'Image;
   begin
      return Text (Text'First + 1 .. Text'Last);
   end Image;

   List : Numbers.Vector;
   X    : Number := 42;
begin
   for I in 1 .. 1_000_000 loop
      X := (X * 1_103_515_245 + 12_345) mod 2 ** 31;
      List.Append (X);
   end loop;
   Sorting.Sort (List);
   Ada.Text_IO.Put_Line (Image (List (0)) & " " & Image (List (500_000)) & " " & Image (List (999_999)));
end Main;

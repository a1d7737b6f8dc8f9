with Ada.Calendar;                      use Ada.Calendar;
with Ada.Calendar.Formatting;
with Ada.Containers.Ordered_Maps;
with Ada.Numerics.Big_Numbers.Big_Integers;
use Ada.Numerics.Big_Numbers.Big_Integers;
with Ada.Containers.Indefinite_Ordered_Sets;
with Ada.Text_IO;                       use Ada.Text_IO;
with GNAT.Regpat;                       use GNAT.Regpat;

procedure Main is
   package Counts is new Ada.Containers.Ordered_Maps (Character, Natural);
   package Names is new Ada.Containers.Indefinite_Ordered_Sets (String);

   protected Total is
      procedure Add (Number : Natural);
      function Sum return Natural;
   private
      Value : Natural := 0;
   end Total;

   protected body Total is
      procedure Add (Number : Natural) is
      begin
         Value := Value + Number;
      end Add;

      function Sum return Natural is (Value);
   end Total;

   task type Adder (Number : Natural);
   task body Adder is
   begin
      Total.Add (Number);
   end Adder;

   Count : Counts.Map;
   Fruit : Names.Set;
   Text  : constant String := "on 2024-03-01";
   Found : Match_Array (0 .. 2);
begin
   for Letter of String'("aab") loop
      if Count.Contains (Letter) then
         Count (Letter) := Count (Letter) + 1;
      else
         Count.Insert (Letter, 1);
      end if;
   end loop;
   Put_Line ("collections: a=" & Count.Element ('a')'Image (2 .. 2) & " b=" & Count.Element ('b')'Image (2 .. 2));
   Match (Compile ("([0-9]+)-([0-9]+)"), Text, Found);
   Put_Line ("regex: " & Text (Found (1).First .. Found (1).Last) & " " & Text (Found (2).First .. Found (2).Last));
   Put_Line ("bigint:" & To_String (To_Big_Integer (2) ** 100));
   Fruit.Include ("pear");
   Fruit.Include ("fig");
   Fruit.Include ("apple");
   Put ("sort:");
   for Name of Fruit loop
      Put (" " & Name);
   end loop;
   New_Line;
   Put_Line ("date: " & Ada.Calendar.Formatting.Image (Time_Of (2024, 2, 28, 3600.0) + 2 * 86_400.0) (1 .. 10));
   declare
      One   : Adder (1);
      Two   : Adder (2);
      Three : Adder (3);
      Four  : Adder (4);
   begin
      null;
   end;
   Put_Line ("threads:" & Total.Sum'Image);
end Main;

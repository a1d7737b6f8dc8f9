with Ada.Integer_Text_IO;
with Ada.Text_IO; use Ada.Text_IO;

procedure Main is
   Number : Integer;
begin
   Ada.Integer_Text_IO.Get (Number);
   Put_Line ((if Number mod 15 = 0 then "FizzBuzz"
              elsif Number mod 3 = 0 then "Fizz"
              elsif Number mod 5 = 0 then "Buzz"
              elsif Number < 0 then Number'Image
              else Number'Image (2 .. Number'Image'Last)));
end Main;

use std.textio.all;
use std.env.all;

entity main is
end entity;

architecture program of main is
begin
  process
    variable text : line;
    variable number : integer;
  begin
    readline(input, text);
    read(text, number);
    if number mod 15 = 0 then
      write(output, "FizzBuzz" & LF);
    elsif number mod 3 = 0 then
      write(output, "Fizz" & LF);
    elsif number mod 5 = 0 then
      write(output, "Buzz" & LF);
    else
      write(output, to_string(number) & LF);
    end if;
    wait;
  end process;
end architecture;

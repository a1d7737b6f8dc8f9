use std.textio.all;
use std.env.all;

entity main is
end entity;

architecture program of main is
begin
  process
    variable text : line;
    variable number, sum, count : integer := 0;
  begin
    while not endfile(input) loop
      readline(input, text);
      read(text, number);
      count := count + 1;
      sum := sum + number;
    end loop;
    write(output, to_string(count) & " numbers, sum " & to_string(sum) & LF);
    wait;
  end process;
end architecture;

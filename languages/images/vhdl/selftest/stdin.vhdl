use std.textio.all;
use std.env.all;

entity main is
end entity;

architecture program of main is
begin
  process
    variable text : line;
  begin
    while not endfile(input) loop
      readline(input, text);
      writeline(output, text);
    end loop;
    wait;
  end process;
end architecture;

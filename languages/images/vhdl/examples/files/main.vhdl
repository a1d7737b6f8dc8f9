use std.textio.all;
use work.shapes.all;

entity main is
end entity;

architecture program of main is
begin
  process
  begin
    write(output, "4 squared is " & to_string(squared(4)) & LF);
    wait;
  end process;
end architecture;

use std.textio.all;
use work.two.all;
use work.three.all;

entity app is
end entity;

architecture program of app is
begin
  process
  begin
    write(output, "one" & LF & second & LF & third & LF);
    wait;
  end process;
end architecture;

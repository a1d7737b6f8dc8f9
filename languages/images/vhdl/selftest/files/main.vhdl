use std.textio.all;
use work.other.all;

entity main is
end entity;

architecture program of main is
begin
  process
  begin
    write(output, greeting & LF);
    wait;
  end process;
end architecture;

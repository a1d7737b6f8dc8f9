use std.textio.all;

entity main is
end entity;

architecture program of main is
begin
  process
    variable largest : integer := integer'high;
  begin
    write(output, "before" & LF);
    largest := largest + 1;
    write(output, to_string(largest) & LF);
    wait;
  end process;
end architecture;

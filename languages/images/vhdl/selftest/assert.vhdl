use std.textio.all;

entity main is
end entity;

architecture program of main is
begin
  process
  begin
    write(output, "before" & LF);
    assert 1 + 1 = 3 severity failure;
    wait;
  end process;
end architecture;

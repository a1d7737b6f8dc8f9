use std.textio.all;
use std.env.all;

entity main is
end entity;

architecture program of main is
begin
  process
  begin
    for i in 1 to 500 loop
      write(output, (1 to 1000 => 'y'));
    end loop;
    wait;
  end process;
end architecture;

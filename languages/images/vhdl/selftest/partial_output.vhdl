use std.textio.all;
use std.env.all;

entity main is
end entity;

architecture program of main is
begin
  process
  begin
    write(output, "started" & LF & "half a line");
    loop
      null;
    end loop;
    wait;
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;

entity main is
end entity;

architecture program of main is
begin
  process
    variable counts : integer_vector(97 to 98) := (0, 0);
    constant letters : string := "aab";
  begin
    for i in letters'range loop
      counts(character'pos(letters(i))) := counts(character'pos(letters(i))) + 1;
    end loop;
    write(output, "collections: a=" & to_string(counts(97)) & " b=" & to_string(counts(98)) & LF);
    wait;
  end process;
end architecture;

use std.textio.all;

entity main is
end entity;

architecture program of main is
begin
  process
    constant count : natural := 1000000;
    type numbers is array (0 to count - 1) of natural;
    type table is array (0 to 2047) of natural;
    variable one, other : numbers;
    variable places : table;
    variable high, low, x, sum, here, digit, step : natural;
  begin
    -- In two halves: an integer has 32 bits.
    x := 42;
    for i in numbers'range loop
      -- 1103515245 is 16838 * 65536 + 20077.
      low := (x mod 65536) * 20077 + 12345;
      high := ((x / 65536) * 20077 mod 32768 + (x mod 65536) * 16838 mod 32768 + low / 65536) mod 32768;
      x := high * 65536 + low mod 65536;
      one(i) := x;
    end loop;
    -- By eleven bits at a time.
    step := 1;
    for pass in 1 to 3 loop
      places := (others => 0);
      for i in numbers'range loop
        digit := (one(i) / step) mod 2048;
        places(digit) := places(digit) + 1;
      end loop;
      sum := 0;
      for i in table'range loop
        here := places(i);
        places(i) := sum;
        sum := sum + here;
      end loop;
      for i in numbers'range loop
        digit := (one(i) / step) mod 2048;
        other(places(digit)) := one(i);
        places(digit) := places(digit) + 1;
      end loop;
      one := other;
      if pass < 3 then
        step := step * 2048;
      end if;
    end loop;
    write(output, to_string(one(0)) & " " & to_string(one(500000)) & " " & to_string(one(count - 1)) & LF);
    wait;
  end process;
end architecture;

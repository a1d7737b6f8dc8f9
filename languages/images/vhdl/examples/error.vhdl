entity main is
end entity;

architecture program of main is
begin
  process begin report "the count is " & to_string(count); wait; end process;
end architecture;

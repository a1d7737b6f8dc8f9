entity main is
end entity;
architecture program of main is begin undeclared(1); end architecture;

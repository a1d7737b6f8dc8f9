package two is
  constant second : string := "two";
end package;

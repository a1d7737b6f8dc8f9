package three is
  constant third : string := "three";
end package;

package other is
  constant greeting : string := "from another file";
end package;

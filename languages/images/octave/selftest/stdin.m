while ischar(line = fgetl(stdin))
  printf("%s\n", line);
end

let () =
  print_string "started\n";
  print_string "half a line";
  while true do () done

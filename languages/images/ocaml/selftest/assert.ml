let () =
  print_endline "before";
  assert (Array.length Sys.argv = 3)

let () =
  print_endline "żółć, 中文 🚀";
  print_endline (read_line ())

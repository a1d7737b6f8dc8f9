let () = List.iter print_endline [ "one"; Two.text; Three.text ]

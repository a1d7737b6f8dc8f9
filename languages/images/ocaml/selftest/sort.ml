let () =
  let x = ref 42 in
  let numbers = Array.init 1_000_000 (fun _ -> x := ((!x * 1103515245) + 12345) mod 2147483648; !x) in
  Array.sort compare numbers;
  Printf.printf "%d %d %d\n" numbers.(0) numbers.(500_000) numbers.(999_999)

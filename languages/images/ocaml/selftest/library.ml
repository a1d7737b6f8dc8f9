module Counts = Map.Make (Char)

let () =
  let count letter = Counts.update letter (fun n -> Some (1 + Option.value n ~default:0)) in
  let counts = String.fold_left (fun counts letter -> count letter counts) Counts.empty "aab" in
  Printf.printf "collections: a=%d b=%d\n" (Counts.find 'a' counts) (Counts.find 'b' counts);
  let text = "on 2024-03-01" in
  ignore (Str.search_forward (Str.regexp "\\([0-9]+\\)-\\([0-9]+\\)") text 0);
  Printf.printf "regex: %s %s\n" (Str.matched_group 1 text) (Str.matched_group 2 text);
  Printf.printf "bigint: %s\n" (Z.to_string (Z.pow (Z.of_int 2) 100));
  Printf.printf "sort: %s\n" (String.concat " " (List.sort compare ["pear"; "fig"; "apple"]));
  let day = Unix.{ tm_year = 124; tm_mon = 1; tm_mday = 28 + 2; tm_hour = 12; tm_min = 0; tm_sec = 0; tm_wday = 0; tm_yday = 0; tm_isdst = false } in
  let _, day = Unix.mktime day in
  Printf.printf "date: %04d-%02d-%02d\n" (day.tm_year + 1900) (day.tm_mon + 1) day.tm_mday;
  let total = ref 0 and lock = Mutex.create () in
  let add number = Mutex.protect lock (fun () -> total := !total + number) in
  List.iter Thread.join (List.map (Thread.create add) [1; 2; 3; 4]);
  Printf.printf "threads: %d\n" !total

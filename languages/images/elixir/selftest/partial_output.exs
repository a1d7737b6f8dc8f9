IO.puts("started")
IO.write("half a line")
Stream.cycle([1]) |> Stream.run()

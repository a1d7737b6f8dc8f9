IO.puts("started")
Stream.cycle([1]) |> Stream.run()

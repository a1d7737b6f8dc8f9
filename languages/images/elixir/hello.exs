IO.puts("Hello from Elixir!")

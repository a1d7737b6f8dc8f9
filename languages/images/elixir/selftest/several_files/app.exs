Code.require_file("two.exs", __DIR__)
Code.require_file("lib/three.exs", __DIR__)

IO.puts("one")
IO.puts(Two.text())
IO.puts(Lib.Three.text())

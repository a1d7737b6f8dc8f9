IO.puts("żółć, 中文 🚀")
IO.write(IO.gets(""))

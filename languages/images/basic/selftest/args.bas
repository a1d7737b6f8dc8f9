while (peek("arguments") > 0)
  print peek$("argument")
wend

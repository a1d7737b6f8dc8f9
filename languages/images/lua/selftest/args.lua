for _, argument in ipairs(arg) do
  print(argument)
end

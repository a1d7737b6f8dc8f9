do i = 1 to arg()
  say "Hello," arg(i)"!"
end

% A script that begins with a function.
function text = name(which)
  text = which;
end
printf("%s\n", name("right"));

function text = two()
  text = "two";
end

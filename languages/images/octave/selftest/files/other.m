function text = other()
  text = "from another file";
end

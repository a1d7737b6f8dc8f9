function text = three()
  text = "three";
end

def text
  "from another file"
end

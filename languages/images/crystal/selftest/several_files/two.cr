def two
  "two"
end

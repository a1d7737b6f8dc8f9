local other = {}

function other.text()
  return "from another file"
end

return other

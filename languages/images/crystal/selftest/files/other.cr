module Other
  def self.text
    "from another file"
  end
end

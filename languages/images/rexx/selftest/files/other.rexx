return "from another file"

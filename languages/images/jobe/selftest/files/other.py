def text():
    return "from another file"

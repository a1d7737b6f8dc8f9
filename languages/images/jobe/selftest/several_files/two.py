def text():
    return "two"

println Other.text()

print(text())

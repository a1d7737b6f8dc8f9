from other import text

print(text())

print("started")
print("half a line", end="")
while True:
    pass

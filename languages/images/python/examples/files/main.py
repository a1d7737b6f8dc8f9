from shapes import squared

print(f"4 squared is {squared(4)}")

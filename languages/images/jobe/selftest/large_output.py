import sys

print("y" * 500000, end="")
sys.exit(0)

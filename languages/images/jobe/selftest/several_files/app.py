import two
from lib import three

print("one")
print(two.text())
print(three.text())

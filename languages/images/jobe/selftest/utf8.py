print("żółć, 中文 🚀")
print(input())

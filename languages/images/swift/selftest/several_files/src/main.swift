#if ONE
print("one")
#endif
print(two())
print(three())

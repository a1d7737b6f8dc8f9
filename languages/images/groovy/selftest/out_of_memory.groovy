def kept = []
while (true) kept << new int[250_000]

print("Hello from Python for CodeRunner!")

print("Hello from Python (PyPy)!")

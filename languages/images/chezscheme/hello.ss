(display "Hello from Scheme (Chez)!\n")

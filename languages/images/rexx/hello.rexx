say "Hello from Rexx!"

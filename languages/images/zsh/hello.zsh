print "Hello from Zsh!"

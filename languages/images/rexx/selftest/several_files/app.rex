say "one"
say "two.rexx"()
say "lib/three.rexx"()

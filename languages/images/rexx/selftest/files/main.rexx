say "other.rexx"()

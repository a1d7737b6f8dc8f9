say "4 squared is" "squared.rexx"(4)

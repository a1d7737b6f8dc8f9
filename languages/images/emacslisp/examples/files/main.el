(require 'shapes)

(princ (format "4 squared is %d\n" (shapes-squared 4)))

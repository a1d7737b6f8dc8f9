(require 'other)

(princ (concat (other-text) "\n"))

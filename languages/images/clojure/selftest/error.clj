(def first-number 1)

(undeclared first-number)

(local two (require :two))
(local three (require :lib.three))

(print "one")
(print (two.text))
(print (three.text))

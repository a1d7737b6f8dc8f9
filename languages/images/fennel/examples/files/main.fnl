(local shapes (require :shapes))

(print (.. "4 squared is " (shapes.squared 4)))

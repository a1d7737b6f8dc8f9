(require '[two :refer [two]]
         '[lib.three :refer [three]])

(println "one")
(println (two))
(println (three))

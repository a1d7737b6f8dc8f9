(println "started")
(loop [] (recur))

(let [counts (frequencies "aab")]
  (println (str "collections: a=" (counts \a) " b=" (counts \b))))
(let [[_ year month] (re-find #"(\d{4})-(\d{2})" "on 2024-03-01")]
  (println "regex:" year month))
(println "bigint:" (str (reduce *' (repeat 100 2))))
(println "sort:" (clojure.string/join " " (sort ["pear" "fig" "apple"])))
(println "date:" (str (.plusDays (java.time.LocalDate/of 2024 2 28) 2)))
(println "threads:" (reduce + (map deref (mapv #(future %) [1 2 3 4]))))
(shutdown-agents)

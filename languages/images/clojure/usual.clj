(ns usual
  (:require [clojure.string :as string] [clojure.set :as set]))

(println (frequencies "aab") (sort [3 1 2]) (string/join " " ["a" "b"]) (set/union #{1} #{2}))
(println (re-find #"(\d+)-(\d+)" "2024-03") (reduce + (map inc (range 10))) (bigint 2) @(future 1))
(shutdown-agents)

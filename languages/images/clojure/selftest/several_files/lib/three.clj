(ns lib.three)

(defn three [] "three")

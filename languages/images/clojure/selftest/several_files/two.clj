(ns two)

(defn two [] "two")

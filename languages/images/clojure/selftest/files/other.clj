(ns other)

(defn text [] "from another file")

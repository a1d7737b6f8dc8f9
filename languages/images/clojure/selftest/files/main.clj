(require '[other :refer [text]])

(println (text))

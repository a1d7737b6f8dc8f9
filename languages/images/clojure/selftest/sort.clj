(let [numbers (long-array 1000000)]
  (loop [i 0 x 42]
    (when (< i 1000000)
      (let [following (mod (+ (* x 1103515245) 12345) 2147483648)]
        (aset numbers i (long following))
        (recur (inc i) (long following)))))
  (java.util.Arrays/sort numbers)
  (println (aget numbers 0) (aget numbers 500000) (aget numbers 999999)))

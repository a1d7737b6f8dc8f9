(local counts {})
(each [letter (string.gmatch "aab" ".")]
  (tset counts letter (+ 1 (or (. counts letter) 0))))
(print (string.format "collections: a=%d b=%d" counts.a counts.b))
(print (.. "regex: " (table.concat [(string.match "on 2024-03-01" "(%d+)-(%d+)")] " ")))
(local fruit ["pear" "fig" "apple"])
(table.sort fruit)
(print (.. "sort: " (table.concat fruit " ")))
(print (.. "date: " (os.date "%Y-%m-%d" (os.time {:year 2024 :month 2 :day (+ 28 2)}))))

(each [_ name (ipairs arg)]
  (print (.. "Hello, " name "!")))

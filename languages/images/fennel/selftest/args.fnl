(each [_ argument (ipairs arg)]
  (print argument))

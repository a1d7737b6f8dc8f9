(fn shout [person]
  (person.name:upper))

(print (shout {:name "Ada"}))

(print (shuot {:name "Alan"}))

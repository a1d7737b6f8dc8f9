(format t "Hello from Common Lisp!~%")

(for-each (lambda (name) (printf "Hello, ~a!\n" name)) (command-line-arguments))

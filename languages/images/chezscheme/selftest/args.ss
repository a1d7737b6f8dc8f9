(for-each (lambda (argument) (display argument) (newline)) (command-line-arguments))

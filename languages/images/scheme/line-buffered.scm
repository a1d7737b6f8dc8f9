;; Loaded before every program: a line is out when it is complete, so that a crash or a time-out does not swallow it.
(setvbuf (current-output-port) 'line)

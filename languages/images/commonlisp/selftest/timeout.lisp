(write-line "started")
(loop)

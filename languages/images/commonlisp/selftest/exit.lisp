(write-line "leaving")
(sb-ext:exit :code 7)

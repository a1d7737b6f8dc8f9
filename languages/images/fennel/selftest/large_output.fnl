(io.write (string.rep "y" 500000))
(os.exit 0)

"leaving", ("" | halt_error(7))

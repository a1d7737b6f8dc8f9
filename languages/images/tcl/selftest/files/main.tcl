source other.tcl
puts [text]

source two.tcl
source [file join [file dirname [info script]] lib three.tcl]
puts one
puts [two]
puts [lib::three]

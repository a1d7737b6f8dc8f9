proc main {} {
    set x 42
    for {set i 0} {$i < 1000000} {incr i} {
        set x [expr {($x * 1103515245 + 12345) % 2147483648}]
        lappend numbers $x
    }
    set numbers [lsort -integer $numbers]
    puts "[lindex $numbers 0] [lindex $numbers 500000] [lindex $numbers end]"
}
main

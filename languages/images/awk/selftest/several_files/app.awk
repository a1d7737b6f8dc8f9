@include "two.awk"
@include "lib/three.awk"

BEGIN {
    print "one"
    print two()
    print three()
}

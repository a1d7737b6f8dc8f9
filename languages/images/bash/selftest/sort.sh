awk 'BEGIN { x = 42; for (i = 0; i < 1000000; i++) { x = next_of(x); print x } }
     function next_of(x,   high, low) {  # In two halves: doubles are exact up to 2^53 only.
         high = int(x / 65536); low = x % 65536
         return (((high * 1103515245) % 32768) * 65536 + low * 1103515245 + 12345) % 2147483648
     }' | sort -n | awk 'NR == 1 { first = $1 } NR == 500001 { middle = $1 } END { print first, middle, $1 }'

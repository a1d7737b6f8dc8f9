# Doubles are exact up to 2^53, so the product is made in two halves.
function next_of(x,   high, low) {
    high = int(x / 65536); low = x % 65536
    return (((high * 1103515245) % 32768) * 65536 + low * 1103515245 + 12345) % 2147483648
}

BEGIN {
    x = 42
    for (i = 1; i <= 1000000; i++) {
        x = next_of(x)
        print x > "numbers"
    }
    close("numbers")
    command = "sort -n numbers"
    while ((command | getline line) > 0) {
        row++
        if (row == 1) first = line
        if (row == 500001) middle = line
    }
    print first, middle, line
}

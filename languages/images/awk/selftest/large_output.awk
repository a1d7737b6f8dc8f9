BEGIN {
    for (i = 0; i < 500000; i++)
        printf "y"
    exit
}

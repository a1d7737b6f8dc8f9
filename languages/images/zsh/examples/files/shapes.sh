squared() {
    echo $(($1 * $1))
}

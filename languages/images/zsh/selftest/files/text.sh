text() {
    echo "from another file"
}

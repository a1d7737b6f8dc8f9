proc text {} {
    return "from another file"
}

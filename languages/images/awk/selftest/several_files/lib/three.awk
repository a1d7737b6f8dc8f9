function three() {
    return "three"
}

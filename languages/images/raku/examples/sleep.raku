for 1 .. 5 {
    .say;
    sleep 0.4;
}

# A flood of four-byte characters, cut somewhere by the limit, must stay text.
while True:
    os.write(2, b"x")
    os.write(2, "\U0001f600".encode() * 1000)

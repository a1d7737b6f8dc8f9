while True:
    os.write(1, bytes(range(256)) * 200 + b"\xf0\x9f\x98\x00\xed\xa0\x80\xff")

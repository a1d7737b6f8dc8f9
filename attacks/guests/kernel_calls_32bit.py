# mov eax, 20 (getpid in the 32-bit table); int 0x80; ret
if X86:
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    entry = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    child = os.fork()
    if child == 0:
        result = ctypes.c_int(entry()).value
        (breach if result == os.getpid() or result > 0 else held)(f"int 0x80 gives {result}")
        os._exit(0)
    held(f"the caller of int 0x80 ended with {os.waitpid(child, 0)[1]}")
done()

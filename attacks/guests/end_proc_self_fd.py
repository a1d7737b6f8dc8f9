open("/proc/self/fd/1", "w").write("by the name of fd 1\n")
open("/dev/stderr", "w").write("by the name of stderr\n")
open("/dev/stdout", "a").write("no newline at the end")

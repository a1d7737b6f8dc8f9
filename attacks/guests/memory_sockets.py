# Most kernels charge what lies in Unix sockets to the container; what lies in TCP and UDP sockets only with cgroup v2.


def fill(pair):
    total = 0
    for end in pair:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for end in pair:
        try:
            while total < 8 << 20:
                total += end.send(b"x" * 60000)
        except OSError:
            pass
    return total


def tcp_pair(listener=[]):
    if not listener:
        listener.append(socket.create_server(("127.0.0.1", 0), backlog=100))
    client = socket.create_connection(listener[0].getsockname(), timeout=1)
    return client, listener[0].accept()[0]


def udp_pair():
    one, two = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for end in (one, two):
        end.bind(("127.0.0.1", 0))
    one.connect(two.getsockname())
    two.connect(one.getsockname())
    return one, two


def hoard(make):
    kept = []
    until = time.monotonic() + 1
    try:
        while time.monotonic() < until:
            kept.append(make())
            fill(kept[-1])
    except OSError:
        pass
    return kept


def kernel_mb():
    """What the kernel counts in TCP and UDP buffers, for the whole machine."""
    words = open("/proc/net/sockstat").read().split()
    return sum(int(words[at + 1]) for at, word in enumerate(words) if word == "mem") // 256


def hoard_in_children(make, name):
    before = kernel_mb()
    children = []
    for _ in range(10):
        child = os.fork()
        if child == 0:
            kept = hoard(make)
            time.sleep(60)
        children.append(child)
    time.sleep(1.5)
    grown = kernel_mb() - before
    print(f"{name}: {grown} MB", flush=True)
    if grown > 256:
        breach(f"{grown} MB in {name} sockets, past the container's memory limit")
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


hoard_in_children({"TCP": tcp_pair, "UDP": udp_pair, "Unix": socket.socketpair}["@KIND@"], "@KIND@")
done()

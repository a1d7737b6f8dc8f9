RAW = socket.SOCK_RAW
for name, family, kind, protocol in (
    ("raw ICMP", 2, RAW, 1), ("raw IP", 2, RAW, 255), ("raw IPv6", 10, RAW, 58), ("ping", 2, socket.SOCK_DGRAM, 1), ("packet", 17, RAW, 0x300),
    ("packet datagram", 17, socket.SOCK_DGRAM, 0x300), ("netlink route", 16, RAW, 0), ("netlink audit", 16, RAW, 9), ("netlink uevent", 16, RAW, 15),
    ("netlink netfilter", 16, RAW, 12), ("netlink generic", 16, RAW, 16), ("vsock", 40, 1, 0), ("vsock datagram", 40, 2, 0), ("AF_ALG", 38, 5, 0),
    ("bluetooth", 31, RAW, 1), ("can", 29, RAW, 1), ("tipc", 30, 1, 0), ("rds", 21, 5, 0), ("x25", 9, 5, 0), ("ax25", 3, 5, 0), ("kcm", 41, 2, 0),
    ("xdp", 44, RAW, 0), ("smc", 43, 1, 0), ("qipcrtr", 42, 2, 0), ("phonet", 35, 2, 0), ("nfc", 39, RAW, 0), ("sctp", 2, 1, 132), ("dccp", 2, 6, 33),
    ("udplite", 2, 2, 136), ("mptcp", 2, 1, 262), ("l2tp", 2, 2, 115), ("key", 15, RAW, 2), ("llc", 26, 1, 0), ("ppp", 24, 1, 0),
):
    blocked(f"socket {name}", socket.socket, family, kind, protocol)
gateways = []
for interface, *_ in (line.replace(":", " ").split() for line in open("/proc/net/dev").read().splitlines()[2:]):
    (held if interface == "lo" else breach)(f"interface {interface}")
if len(open("/proc/net/route").read().splitlines()) > 1:
    breach("a route")
for address, port in (
    ("169.254.169.254", 80), ("169.254.170.2", 80), ("100.100.100.200", 80), ("172.17.0.1", 2375), ("172.17.0.1", 22), ("10.0.0.1", 80),
    ("192.168.0.1", 80), ("192.168.65.2", 2375), ("8.8.8.8", 53), ("1.1.1.1", 443), ("127.0.0.1", 2375), ("127.0.0.1", 8080), ("127.0.0.1", 22),
    ("127.0.0.1", 5432), ("127.0.0.53", 53), ("0.0.0.0", 8080), ("224.0.0.1", 5353), ("255.255.255.255", 67),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        if kind == socket.SOCK_DGRAM and address.startswith(("127.", "0.")):
            continue
        with socket.socket(socket.AF_INET, kind) as one:
            one.settimeout(0.3)
            blocked(f"{address}:{port}", one.connect, (address, port))
for address in ("fd00:ec2::254", "2001:4860:4860::8888", "fe80::1", "::1"):
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as one:
        one.settimeout(0.3)
        blocked(address, one.connect, (address, 80))
for name in ("metadata.google.internal", "host.docker.internal", "example.com"):
    blocked(name, socket.getaddrinfo, name, 80)
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private", "/run/dbus/system_bus_socket", "/dev/log"):
    blocked(path, socket.socket(socket.AF_UNIX).connect, path)
for name in ("\0/containerd-shim", "\0/tmp/.X11-unix/X0", "\0@dbus", "\0gexec"):
    blocked(f"abstract {name[1:]}", socket.socket(socket.AF_UNIX).connect, name)
names = [line.split()[7] for line in open("/proc/net/unix").read().splitlines()[1:] if len(line.split()) > 7]
if names:
    breach(f"sockets of others: {names}")
# The loopback itself works.
with socket.create_server(("127.0.0.1", 0)) as listener:
    socket.create_connection(listener.getsockname(), timeout=2).close()
done()

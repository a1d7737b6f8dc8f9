"""Where webhooks may go: one plain form of an address, and nothing behind it that is not public."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.addresses import is_reachable, networks_in
from webhooks.targets import BadTarget, Target, target_of

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.9.9.9",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert is_reachable(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_all_others_are_not(address: str) -> None:
    assert not is_reachable(address)


def test_a_network_that_is_named_is_reached_in_every_form() -> None:
    allowed = networks_in(["127.0.0.0/8", "fd00::/64"])
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd00::1"):
        assert is_reachable(address, allowed)
    for address in ("10.0.0.1", "::1", "fd00:0:0:1::1"):
        assert not is_reachable(address, allowed)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.org", Target(True, "hooks.example.org", 443, "/")),
        ("https://Hooks.Example.org:8443/a/b?c=%20d&e", Target(True, "hooks.example.org", 8443, "/a/b?c=%20d&e")),
        ("http://example.org?x", Target(False, "example.org", 80, "/?x")),
        ("http://93.184.216.34:60000/", Target(False, "93.184.216.34", 60000, "/")),
        ("https://[2606:4700:0::1111]/", Target(True, "2606:4700::1111", 443, "/")),
        ("https://a_b.xn--bcher-kva.example/", Target(True, "a_b.xn--bcher-kva.example", 443, "/")),
    ],
)
def test_plain_addresses(url: str, target: Target) -> None:
    assert target_of(url, may_be_plain=True) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "//example.org/",
        "ftp://example.org/",
        "HTTPS://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org#fragment",
        "https://example.org/#",
        "https://example.org\\@127.0.0.1/",
        "https://example.org /",
        " https://example.org/",
        "https://example.org/\n",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org/\x00",
        "https://example.org/%0",
        "https://example.org/%zz",
        "https://ex%61mple.org/",
        "https://bücher.example/",
        "https://example。org/",
        "https://①②⑦.0.0.1/",
        "https://.example.org/",
        "https://example.org./",
        "https://example..org/",
        "https://-a.example/",
        "https:///path",
        "https://:443/",
        "https://example.org:/",
        "https://example.org:0/",
        "https://example.org:22/",
        "https://example.org:5432/",
        "https://example.org:8080/",
        "https://example.org:65536/",
        "https://example.org:+443/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.0x1/",
        "https://0177.0.0.1/",
        "https://127.0.0.01/",
        "https://1.2.3.4.5/",
        "https://[::1%25eth0]/",
        "https://[::1%eth0]/",
        "https://[::ffff:1.2.3]/",
        "https://[v1.x]/",
        "https://::1/",
        "https://example.org/" + "a" * 2048,
        "https://" + "a" * 64 + ".example/",
    ],
)
def test_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        target_of(url, may_be_plain=True)


def test_http_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(BadTarget, match="https://"):
        target_of("http://example.org/", may_be_plain=False)


@given(st.text(max_size=60) | st.text("/:@#?%.[]\\htps0127 ", max_size=40).map("https://".__add__))
def test_whatever_is_taken_goes_into_a_request_as_one_line(url: str) -> None:
    try:
        target = target_of(url, may_be_plain=True)
    except BadTarget:
        return
    for part in (target.authority, target.path):
        assert part.isascii()
        assert part.isprintable()
        assert " " not in part
    assert not {"@", "#", "\\"} & set(target.authority)

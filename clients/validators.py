"""What the options of a client may hold."""

from __future__ import annotations

import ipaddress
import re

from django.core.exceptions import ValidationError

RATE = re.compile(r"off|[1-9]\d{0,8}/[1-9]?\d{0,3}[smhd]", re.ASCII)
"""As django-ratelimit reads it: a number, and a period of seconds, minutes, hours or days."""
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@A-Z]+")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def rate(text: str) -> None:
    """ValidationError where it is no rate."""
    if not RATE.fullmatch(text):
        raise ValidationError("Write a number and a period (10/m, 100/h, 5/10s), or off.")


def network(text: str) -> None:
    """ValidationError where it is neither an address nor a network."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(f"No network in CIDR: {error}.") from None


def origin(text: str) -> None:
    """ValidationError where no browser sends it so."""
    if not ORIGIN.fullmatch(text):
        raise ValidationError("Write scheme, host and port if there is one: https://play.example.org")


def host_name(text: str) -> None:
    """ValidationError where it is no name of a host, in lower case."""
    if not _HOST.fullmatch(text):
        raise ValidationError("Write the name of a host: hooks.example.org, or *.example.org for all below it.")

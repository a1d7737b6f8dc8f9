"""Why a registry did not give an image, in an operator's words, and what to try."""

from __future__ import annotations

_REMEDIES = (
    (
        ("toomanyrequests", "rate limit"),
        "the registry gives no more for now",
        "Wait, or log in to it: `docker login`, as the user that gexec runs as.",
    ),
    (
        ("no space left",),
        "the Docker host's disk is full",
        "Make room (`docker system df` shows what takes it), then pull again.",
    ),
    (
        ("no matching manifest",),
        "there is no such image for this host's processor",
        "Name a tag that is built for it.",
    ),
    (
        (
            "manifest unknown",
            "not found",
            "does not exist",
            "no such image",
            "denied",
            "unauthorized",
            "authentication",
        ),
        "the registry has no such image, or does not show it to everybody",
        "Check its name and tag. Where it is private, log in: `docker login`, as the user that gexec runs as.",
    ),
    (
        (
            "no such host",
            "dial tcp",
            "timeout",
            "timed out",
            "refused",
            "unreachable",
            "tls",
            "x509",
            "eof",
            "canceled",
        ),
        "the Docker host does not reach the registry",
        "Check its network, and its Docker's proxy or mirror; or bring the image with `docker save` and `docker load`.",
    ),
)
"""Words of Docker's errors in lower case, what they mean and what helps; the first that is in the text counts."""
OWN = "gexec/"
"""How images that are built here are called."""


def explained(image: str, text: str) -> str:
    """One line of what failed and what to try, and Docker's own words after it."""
    if image.startswith(OWN):
        return (
            f"{image} was not pulled: no registry has images of that name, gexec builds them. Build it instead.\n{text}"
        )
    said = text.lower()
    for words, meaning, remedy in _REMEDIES:
        if any(word in said for word in words):
            return f"{image} was not pulled: {meaning}. {remedy}\n{text}"
    return f"{image} was not pulled. Try `docker pull {image}` on the Docker host.\n{text}"

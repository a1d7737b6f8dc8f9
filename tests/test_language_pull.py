"""A pull that fails says what failed and what to try."""

from __future__ import annotations

import pytest

from languages.models import Language
from languages.toolchain import language_images
from languages.toolchain.errors import InstallError
from languages.toolchain.pulling import explained
from sandbox.errors import EngineUnavailable
from sandbox.testing import FakeImages

DIAL = "Get https://registry.example/v2/: dial tcp: lookup registry.example on 192.0.2.1:53: no such host"


@pytest.mark.parametrize(
    ("text", "meaning", "remedy"),
    [
        (DIAL, "does not reach the registry", "`docker load`"),
        ("Get https://x/v2/: net/http: request canceled (Client.Timeout exceeded)", "does not reach", "proxy"),
        ("tls: failed to verify certificate: x509: unknown authority", "does not reach", "mirror"),
        ("manifest for ruby:9 not found: manifest unknown", "has no such image", "name and tag"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "no such", "private"),
        ("toomanyrequests: You have reached your pull rate limit", "no more for now", "docker login"),
        ("write /var/lib/docker/tmp/x: no space left on device", "disk is full", "docker system df"),
        ("no matching manifest for linux/arm64 in the manifest list entries", "this host's processor", "tag"),
        ("something else", "was not pulled.", "`docker pull ruby:3`"),
    ],
)
def test_what_docker_says_is_explained(text: str, meaning: str, remedy: str) -> None:
    first, said = explained("ruby:3", text).split("\n")
    assert first.startswith("ruby:3 was not pulled")
    assert meaning in first
    assert remedy in first
    assert said == text


def test_an_image_of_ours_is_built_and_not_pulled() -> None:
    assert "Build it instead." in explained("gexec/lua", "pull access denied")


def test_a_pull_that_fails_is_explained(fake_images: FakeImages) -> None:
    with pytest.raises(InstallError, match=r"ruby:9 was not pulled: the registry has no such image.*\n.*no such image"):
        language_images.pull(Language(slug="ruby", image="ruby:9"), lambda _line: None)


def test_docker_that_is_away_is_not_taken_for_the_registry(fake_images: FakeImages) -> None:
    fake_images.failing = EngineUnavailable("connection refused")
    with pytest.raises(EngineUnavailable):
        language_images.pull(Language(slug="ruby", image="ruby:3"), lambda _line: None)

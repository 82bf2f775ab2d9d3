"""Servers with their own names on loopback: a certificate authority, and a fetcher that trusts it and resolves them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.urls import Policy
from tests.certificates import self_signed
from tests.virtual_time import BACKEND

NAMES = ("files.example", "other.example")
# Hosts that may be on loopback, in these tests only.
OWN = Policy(frozenset(NAMES))


@pytest.fixture
def anyio_backend() -> object:
    """Time is the loop's own: a server on it is late only where a test lets it be."""
    return BACKEND


class Names:
    """A resolver: each look-up of a name takes its next answer; the last one repeats."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del port
        self.asked.append(host)
        answers = self._answers.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def here() -> Names:
    """Resolves both names to this machine."""
    return Names(files_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Creates a file with a self-signed certificate for `NAMES` and this machine, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"), NAMES)


@pytest.fixture(scope="session")
def served(certificate: Path) -> ssl.SSLContext:
    """Builds the servers' TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="session")
def trusting(certificate: Path) -> ssl.SSLContext:
    """Builds the fetcher's TLS context."""
    return ssl.create_default_context(cafile=str(certificate))


def fetcher(
    trusting: ssl.SSLContext, names: Names | None = None, policy: Policy = OWN, limit_s: float = 5.0
) -> Fetcher:
    return Fetcher(policy, resolve=names or here(), tls_context=trusting, fetch_s=limit_s, post_s=limit_s)

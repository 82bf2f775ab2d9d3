"""Servers with their own names on loopback: a certificate authority, and a fetcher that trusts it and resolves them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.urls import Policy
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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "servers of the tests")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    alternatives = [*map(x509.DNSName, NAMES), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1000))
        .not_valid_after(now + dt.timedelta(days=10_000))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return path


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

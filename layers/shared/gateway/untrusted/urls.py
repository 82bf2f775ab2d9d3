"""Checks a user's URL by its text alone. Pure; the addresses of its host are checked at each connection.

An accepted URL has one reading: every form in which two parsers could see two hosts is refused, not repaired. So a host
is a DNS name of at least two labels in its canonical form, or a plain public IP address; the scheme is https; there are
no credentials. Ports are 443 or unprivileged, without those that browsers block. A fragment is never sent. Path and
query may hold any printable character; characters outside the URL syntax are percent-encoded as browsers do.

https://www.rfc-editor.org/rfc/rfc3986 and https://url.spec.whatwg.org/, of which this is the common part.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from unicodedata import category, normalize
from urllib.parse import quote, urljoin

from msgspec import Struct

from gateway.errors import InvalidRequest
from gateway.untrusted.addresses import is_public

URL_CHARACTERS_MAX = 2048
# An escaped character may take twelve bytes; servers take request lines of 8 KB.
TARGET_BYTES_MAX = 8000
PORTS = {"https": 443, "http": 80}

# RFC 3986 section 3, as browsers split it; the content of each part is checked separately.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?P<authority>[^/?#]*)(?P<target>[^#]*)(?:#.*)?"
)
_AUTHORITY = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Characters that RFC 3986 allows in a path or a query; the rest is percent-encoded.
_SAFE = "!$%&'()*+,-./:;=?@_~[]|"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:0[0-9A-Fa-f]|1[0-9A-Fa-f]|7[Ff])")

# Names that always mean this machine or this network: RFC 6761, 6762 (appendix G), 7686, 8375, and ICANN's .internal,
# with Google's metadata.google.internal and the short names of a Kubernetes cluster's services.
_PRIVATE_SUFFIXES = (
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
    "in-addr.arpa", "ip6.arpa", "onion", "svc",
)  # fmt: skip
# Metadata services with a public name: Google Cloud, Equinix Metal, Tencent Cloud, IBM Cloud.
_METADATA_HOSTS = (
    "metadata.goog", "metadata.packet.net", "metadata.platformequinix.com", "metadata.tencentyun.com",
    "api.metadata.cloud.ibm.com",
)  # fmt: skip
# https://fetch.spec.whatwg.org/#port-blocking, and stores and daemons that would act on a stranger's bytes.
_BLOCKED_PORTS = frozenset({
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    2375, 2376, 2379, 3306, 3389, 5432, 5900, 6379, 9200, 9300, 10250, 11211, 27017,
})  # fmt: skip

NOT_HTTPS = "The URL must start with https://."
NOT_A_URL = "The value must be an https:// URL."
CREDENTIALS = "The URL must not contain credentials."
BAD_HOST = "The URL's host must be a DNS name or a public IP address in its usual form."
NOT_PUBLIC = "The URL must lead to a public host."
BAD_PORT = "The URL's port must be 443, or one from 1024 on that is not reserved for another protocol."
BAD_CHARACTER = "The URL must not contain spaces, control characters or backslashes."
BAD_ESCAPE = "The URL holds a percent sign that does not start the escape of a printable character."
TOO_LONG = f"The URL must not be longer than {URL_CHARACTERS_MAX} characters."


class WebUrl(Struct, frozen=True):
    """A checked URL: `host` is an ASCII name in lower case or an address, `target` is path and query as sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def text(self) -> str:
        """The URL in its canonical form."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


class Policy(Struct, frozen=True):
    """The operator's policy: `allowed_hosts` may be on loopback and over plain http. Empty in AWS.

    A host is `host`, `host:port`, or `host:port/path/`, of which only what is below the path is allowed.
    """

    allowed_hosts: frozenset[str] = frozenset()

    def allows(self, host: str, port: int, target: str) -> bool:
        """True if the place is one of the operator's own."""
        whole = f"{host}:{port}"
        segment, slash, _ = target.removeprefix("/").partition("/")
        below = f"{whole}/{segment}{slash}"
        return not self.allowed_hosts.isdisjoint({host, whole, below})


PUBLIC_ONLY = Policy()


def judge_url(text: str, param: str | None, policy: Policy = PUBLIC_ONLY) -> WebUrl:
    """The URL, ready for a connection; raises `InvalidRequest` at `param` for a refused one."""
    try:
        return _judged(text, policy)
    except ValueError as refusal:
        raise InvalidRequest(str(refusal), param=param) from None


def judge_redirect(url: WebUrl, location: str, param: str | None, policy: Policy = PUBLIC_ONLY) -> WebUrl:
    """The target of a redirect of `url`, checked like a URL of the user; relative locations are resolved first."""
    try:
        _printable(location)
        return _judged(urljoin(url.text, location), policy)
    except ValueError as refusal:
        raise InvalidRequest(str(refusal), param=param) from None


def _judged(text: str, policy: Policy) -> WebUrl:
    """Checks a URL; raises ValueError with the sentence for the user."""
    if len(text) > URL_CHARACTERS_MAX:
        raise ValueError(TOO_LONG)
    _printable(text)
    parts = _URL.fullmatch(text)
    if parts is None:
        raise ValueError(NOT_A_URL)
    scheme = parts["scheme"].lower()
    if scheme not in PORTS or not parts["slashes"]:
        raise ValueError(NOT_HTTPS)
    host, port = _host_and_port(parts["authority"], PORTS[scheme])
    target = quote(parts["target"], safe=_SAFE)
    if not policy.allows(host, port, target):
        _refuse_private(scheme, host, port)
    if _BAD_ESCAPE.search(target):
        raise ValueError(BAD_ESCAPE)
    if len(target) > TARGET_BYTES_MAX:
        raise ValueError(TOO_LONG)
    return WebUrl(scheme, host, port, target if target.startswith("/") else f"/{target}")


def _printable(text: str) -> None:
    """Refuses separators, controls, formats, surrogates and unassigned characters, which some parsers skip."""
    if "\\" in text or any(category(character)[0] in "CZ" for character in text):
        raise ValueError(BAD_CHARACTER)


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    if "@" in authority:
        raise ValueError(CREDENTIALS)
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError(BAD_HOST if authority else NOT_A_URL)
    port = int(parts["port"] or default_port)
    if not 0 < port < 65536:
        raise ValueError(BAD_PORT)
    return _address(parts["v6"]) if parts["v6"] else _name(parts["name"]), port


def _address(text: str) -> str:
    """An IPv6 address in its canonical form."""
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise ValueError(BAD_HOST) from None


def _name(text: str) -> str:
    """A DNS name in the form that is resolved, or an IPv4 address in its four decimal numbers."""
    labels = [_label(label) for label in text.split(".")]
    host = ".".join(labels)
    if len(host) > 253:
        raise ValueError(BAD_HOST)
    if _NUMBER.fullmatch(labels[-1]):
        # By the URL standard a host that ends in a number must be an IPv4 address; and 010 may mean 8 or 10.
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise ValueError(BAD_HOST) from None
    return host


def _label(text: str) -> str:
    """One label in its ASCII form. Other scripts are accepted in the one form that needs no mapping (RFC 5891 4.2)."""
    if text.isascii():
        label = text.lower()
    else:
        # Normalised before it is lowered: the lower case of the Kelvin sign is a plain k.
        label = f"xn--{_canonical(_normal(text).lower()).encode('punycode').decode('ascii')}"
    if not _LABEL.fullmatch(label):
        raise ValueError(BAD_HOST)
    if label.startswith("xn--"):
        _refuse_odd_punycode(label)
    elif label[2:4] == "--":
        raise ValueError(BAD_HOST)
    return label


def _normal(label: str) -> str:
    """The label, if normalisation leaves it unchanged: no full-width dots or digits, no circled or mathematical
    letters.
    """
    if normalize("NFKC", label) != label:
        raise ValueError(BAD_HOST)
    return label


def _canonical(label: str) -> str:
    """Letters without capitals and their marks, in any script, and ASCII's digits and hyphen."""
    if not all(c in "-0123456789" or category(c) in {"Ll", "Lo", "Lm", "Mn", "Mc"} for c in label):
        raise ValueError(BAD_HOST)
    return _normal(label)


def _refuse_odd_punycode(label: str) -> None:
    """Refuses punycode of forbidden characters, or of ASCII alone, because it hides a name."""
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        encoded = decoded.encode("punycode").decode("ascii")
    except UnicodeError:
        raise ValueError(BAD_HOST) from None
    if decoded.isascii() or _canonical(decoded) != decoded.lower() or encoded != label[4:]:
        raise ValueError(BAD_HOST)


def _refuse_private(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise ValueError(NOT_HTTPS)
    if port != PORTS["https"] and (port < 1024 or port in _BLOCKED_PORTS):
        raise ValueError(BAD_PORT)
    is_address = ":" in host or host.rpartition(".")[2].isdigit()
    if is_address and not is_public(host):
        raise ValueError(NOT_PUBLIC)
    if "." not in host and not is_address:
        raise ValueError(NOT_PUBLIC)
    if any(host == name or host.endswith(f".{name}") for name in _PRIVATE_SUFFIXES + _METADATA_HOSTS):
        raise ValueError(NOT_PUBLIC)

"""Loads before a snapshot what first requests would load: there it is done once, and after it in every copy.

Nothing is read that can age, neither a key nor a secret nor a time: a snapshot may be restored days later.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

from gateway.transport.client import shared_tls_context

# The rooms whose modules are loaded by the first request that needs them, and the packages that such requests take.
_LAZY_ROOMS = ("auth", "canonical", "framing", "operations", "protocols", "providers", "signatures", "untrusted")
_LAZY_PACKAGES = ("cryptography.hazmat.primitives.ciphers.aead", "ipaddress", "urllib.parse")


def load_all() -> None:
    """Loads the modules beside those that the function has loaded, and the authorities that TLS trusts."""
    for name in _LAZY_PACKAGES:
        import_module(name)
    for package in [name for name in sys.modules if _is_lazy(name)]:
        for found in iter_modules(getattr(sys.modules[package], "__path__", ()), f"{package}."):
            import_module(found.name)
    shared_tls_context()


def _is_lazy(name: str) -> bool:
    gateway, _, room = name.partition(".")
    return gateway == "gateway" and room.partition(".")[0] in _LAZY_ROOMS

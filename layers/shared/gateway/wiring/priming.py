"""Loads before a snapshot what first requests would load: there it is done once, and after it in every copy.

Nothing is read that can age, neither a key nor a secret nor a time: a snapshot may be restored days later.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.abc import InspectLoader
from pkgutil import iter_modules

from gateway.transport.client import shared_tls_context

# The rooms whose modules are looked up in tables, by the first request that needs them.
_TABLED_ROOMS = ("auth", "canonical", "framing", "operations", "protocols", "providers", "signatures", "untrusted")
# A function's own module, whose routes load what they lead to.
_APP = "app"


def load_all() -> None:
    """Loads the modules beside those that the function has loaded in rooms with tables, then all that functions of
    loaded modules import when they are called, and the authorities that TLS trusts.
    """
    for package in [name for name in sys.modules if _is_tabled(name)]:
        for found in iter_modules(getattr(sys.modules[package], "__path__", ()), f"{package}."):
            import_module(found.name)
    read: set[str] = set()
    while unread := {name for name in sys.modules if _is_ours(name)} - read:
        read |= unread
        for name in unread:
            for deferred in deferred_imports(name):
                # What only another environment has: Lambda's own packages, another version of Python.
                with suppress(ImportError):
                    import_module(deferred)
    shared_tls_context()


def deferred_imports(name: str) -> Iterator[str]:
    """The modules that functions of a loaded module import when they are called, by the module's source."""
    spec = sys.modules[name].__spec__
    loader = None if spec is None else spec.loader
    source = loader.get_source(name) if isinstance(loader, InspectLoader) else None
    for function in ast.walk(ast.parse(source or "")):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module is not None:
                    yield node.module
                    # A name may be a module of a package; others are none, and are not found.
                    yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.islower())


def _is_ours(name: str) -> bool:
    return name == _APP or name.partition(".")[0] == "gateway"


def _is_tabled(name: str) -> bool:
    gateway, _, room = name.partition(".")
    return gateway == "gateway" and room.partition(".")[0] in _TABLED_ROOMS

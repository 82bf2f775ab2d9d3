"""Loads before a snapshot what first requests would load: there it is done once, and after it in every copy.

Nothing is read that can age, neither a key nor a secret nor a time: a snapshot may be restored days later.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dis import get_instructions, opmap
from importlib import import_module
from importlib.abc import InspectLoader
from itertools import chain
from pkgutil import iter_modules
from types import CodeType

from gateway.transport.client import shared_tls_context

# The rooms whose modules are looked up in tables, by the first request that needs them.
_TABLED_ROOMS = ("auth", "canonical", "framing", "operations", "protocols", "providers", "signatures", "untrusted")
_IMPORT_NAME = opmap["IMPORT_NAME"]
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
    """The modules that functions of a loaded module import when they are called, by the module's byte code."""
    spec = sys.modules[name].__spec__
    loader = None if spec is None else spec.loader
    module = loader.get_code(name) if isinstance(loader, InspectLoader) else None
    # The module's own imports are done: only what lies within it is read.
    return iter(()) if module is None else chain.from_iterable(map(_imported, _within(module)))


def _within(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _within(constant)


def _imported(code: CodeType) -> Iterator[str]:
    # Few functions import, and to take every function's code apart would be most of the work.
    if _IMPORT_NAME not in code.co_code[::2]:
        return
    names: Iterable[str] | None = None
    for step in get_instructions(code):
        if step.opcode == _IMPORT_NAME:
            yield step.argval
            # A name may be a module of a package; others are none, and are not found.
            yield from (f"{step.argval}.{name}" for name in names or () if name.islower())
        names = step.argval if isinstance(step.argval, tuple) else None


def _is_ours(name: str) -> bool:
    return name == _APP or name.partition(".")[0] == "gateway"


def _is_tabled(name: str) -> bool:
    gateway, _, room = name.partition(".")
    return gateway == "gateway" and room.partition(".")[0] in _TABLED_ROOMS

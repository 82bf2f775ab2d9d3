"""Shows and changes the operator's document over the catalog: prices, margins, models, aliases, targets.

A document is checked as the data files are, with all rows of this release under it, before it becomes a version. Every
version is kept with who set it and when; a rollback sets an earlier one anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from msgspec.structs import asdict

from gateway.admin.accounts import Document
from gateway.catalog.loader import document_of
from gateway.catalog.overrides import changes, checked, overlaid, read_overrides
from gateway.errors import Conflict, NotFound
from gateway.ports.catalog import StoredOverrides
from gateway.wiring.catalogs import KINDS
from gateway.wiring.operator import Operator

HISTORY = 20
EMPTY = "{}"
OVERTAKEN = "Another version was set meanwhile; look at it, and set yours again."


async def show(services: Operator, arguments: argparse.Namespace) -> Document:
    """The document in use or one version of it, and the last versions."""
    if arguments.version is not None:
        return _described(await _version(services, arguments.version))
    history = await services.overrides.history(HISTORY)
    if not history:
        return {"version": 0, "document": {}, "history": []}
    return {**_described(history[0]), "history": [_described(stored) for stored in history]}


async def diff(services: Operator, arguments: argparse.Namespace) -> Document:
    """The changes that a document would make to the catalog in use; without one, those of the document in use."""
    last = await services.overrides.current()
    standing = _text(last)
    before, after = (EMPTY, standing) if arguments.file is None else (standing, arguments.file)
    return {"version": _number(last), "changes": _changes(before, after)}


async def set_document(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes the document the next version, and returns what it changes; raises `CatalogError` for a wrong one."""
    return await _add(services, arguments.file, arguments)


async def rollback(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes an earlier version the next one; version 0 is the catalog as it was built."""
    text = _text(None if arguments.version == 0 else await _version(services, arguments.version))
    arguments.note = arguments.note or f"as version {arguments.version}"
    return await _add(services, text, arguments)


ACTIONS = {"show": show, "diff": diff, "set": set_document, "rollback": rollback}


async def run(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions."""
    return await ACTIONS[arguments.action](services, arguments)


def add_parser(commands: Any) -> None:
    """Adds the command's line."""
    catalog = commands.add_parser("catalog", help="prices, margins, models, aliases and targets, without a deployment")
    actions = catalog.add_subparsers(dest="action", required=True)
    shown = actions.add_parser("show", help="the document in use and its history")
    shown.add_argument("--version", type=int, help="that version of it")
    compared = actions.add_parser("diff", help="what a document would change")
    compared.add_argument("file", type=_read, nargs="?", help="without one, what the document in use changes")
    changed = actions.add_parser("set", help="make a document the next version")
    changed.add_argument("file", type=_read, help="- for standard input")
    back = actions.add_parser("rollback", help="make an earlier version the next one; 0 is none")
    back.add_argument("version", type=int)
    for action in (shown, compared, changed, back):
        action.add_argument("--json", action="store_true")
    for action in (changed, back):
        action.add_argument("--note", default="", help="why")
        action.add_argument("--by", help="who, if not the owner of the credentials")


def page(answer: Document) -> str:
    """The answer for a reader."""
    if "changes" in answer:
        lines = answer["changes"] or ["nothing changes"]
        return "\n".join([*lines, f"version {answer['version']} is in use"])
    document = orjson.dumps(answer["document"], option=orjson.OPT_INDENT_2).decode()
    return "\n".join([*(_line(stored) for stored in answer.get("history", (answer,))), document])


def _read(path: str) -> str:
    """The text of a file, or of standard input."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None


async def _add(services: Operator, text: str, arguments: argparse.Namespace) -> Document:
    last = await services.overrides.current()
    version = _number(last) + 1
    overrides = read_overrides(text.encode(), version)
    for kind, known in KINDS:
        checked(kind, document_of(kind), overrides, known)
    now_s = int(services.clock.now_s())
    stored = StoredOverrides(version, text, arguments.by or "unknown", now_s, arguments.note)
    if not await services.overrides.add(stored):
        raise Conflict(OVERTAKEN, code="already_exists")
    return {"version": version, "changes": _changes(_text(last), text)}


def _changes(before: str, after: str) -> list[str]:
    """The changes of each data file between two documents."""
    old, new = (read_overrides(text.encode(), 1) for text in (before, after))
    return [
        line
        for kind, _ in KINDS
        for line in changes(overlaid(kind, document_of(kind), old), overlaid(kind, document_of(kind), new))
    ]


async def _version(services: Operator, number: int) -> StoredOverrides:
    stored = await services.overrides.version(number)
    if stored is None:
        raise NotFound(f"There is no version {number}.")
    return stored


def _number(stored: StoredOverrides | None) -> int:
    return 0 if stored is None else stored.version


def _text(stored: StoredOverrides | None) -> str:
    return EMPTY if stored is None else stored.text


def _described(stored: StoredOverrides) -> Document:
    described: Document = asdict(stored)
    return {**described, "document": orjson.loads(described.pop("text"))}


def _line(stored: Mapping[str, Any]) -> str:
    if "at_s" not in stored:
        return "no version is set"
    return f"version {stored['version']}  {stored['at_s']}  {stored['by']}  {stored['note']}".rstrip()

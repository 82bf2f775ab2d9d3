"""Shows and changes the operator's document over the catalog: prices, margins, models, aliases, targets.

A document is checked as the data files are, with all rows of this release under it, before it becomes a version. Every
version is kept with who set it and when; a rollback sets an earlier one anew. A price that moves far, or to 0, is
refused until the operator says that it is meant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import asdict

from gateway.admin.accounts import Document
from gateway.admin.acts import act_of, add_act
from gateway.admin.price_moves import Move, moves
from gateway.catalog.catalog import Row
from gateway.catalog.loader import document_of
from gateway.catalog.overrides import Overrides, changes, checked, overlaid, read_overrides
from gateway.catalog.schema import CatalogError
from gateway.errors import Conflict, NotFound
from gateway.ports.catalog import StoredOverrides
from gateway.ports.upstream import CUSTOM, row_of
from gateway.wiring.catalogs import all_kinds
from gateway.wiring.operator import Operator

HISTORY = 20
EMPTY = "{}"
# The catalog without any document.
BUILT_IN = StoredOverrides(0, EMPTY, "", 0)
OVERTAKEN = "Another version was set meanwhile; look at it, and set yours again."


async def show(services: Operator, arguments: argparse.Namespace) -> Document:
    """The document in use or one version of it, and the last versions."""
    if arguments.version is not None:
        return _described(await _version(services, arguments.version))
    history = await services.overrides.history(HISTORY)
    if not history:
        return {**_described(BUILT_IN), "history": []}
    return {**_described(history[0]), "history": [_described(stored) for stored in history]}


async def diff(services: Operator, arguments: argparse.Namespace) -> Document:
    """The changes that a document would make to the catalog in use, and what `set` would refuse until it is accepted.

    Without a document, the changes that the document in use makes. Raises `CatalogError` for a wrong one.
    """
    last = await services.overrides.current() or BUILT_IN
    before, after = (EMPTY, last.text) if arguments.file is None else (last.text, arguments.file)
    compared = _compared(services, before, after)
    look = [] if arguments.file is None else [f"{move.line}; --accept {move.accepted_as}" for move in compared.far]
    return {"version": last.version, "changes": compared.changes, "look": [*look, *await _unready(services, compared)]}


async def set_document(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes the document the next version, and returns what it changes; raises `CatalogError` for a wrong one, and for
    a price that moves beyond the bound and is not accepted.
    """
    accepted = {*chain.from_iterable(names.split(",") for names in arguments.accept)}
    return await _add(services, arguments.file, arguments, accepted)


async def rollback(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes an earlier version the next one, whose prices were looked at then; version 0 is the catalog as built."""
    text = (await _version(services, arguments.version)).text
    return await _add(services, text, arguments, None)


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
    compared.add_argument("file", type=read_file, nargs="?", help="without one, what the document in use changes")
    changed = actions.add_parser("set", help="make a document the next version")
    changed.add_argument("file", type=read_file, help="- for standard input")
    back = actions.add_parser("rollback", help="make an earlier version the next one; 0 is none")
    back.add_argument("version", type=int)
    for action in (shown, compared, changed, back):
        action.add_argument("--json", action="store_true")
    for action in (changed, back):
        add_act(action)
    accept = "ids of rows whose price moves by more than a quarter or is 0, and 'margins'; with commas, or again"
    changed.add_argument("--accept", action="append", default=[], metavar="ID", help=accept)


def page(answer: Document) -> str:
    """The answer for a reader."""
    if "changes" in answer:
        lines = answer["changes"] or ["nothing changes"]
        look = [f"look: {line}" for line in answer["look"]]
        return "\n".join([*lines, *look, f"version {answer['version']} is in use"])
    document = orjson.dumps(answer["document"], option=orjson.OPT_INDENT_2).decode()
    return "\n".join([*(_line(stored) for stored in answer.get("history", (answer,))), document])


def read_file(path: str) -> str:
    """The text of a file, or of standard input."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None


async def _add(services: Operator, text: str, arguments: argparse.Namespace, accepted: set[str] | None) -> Document:
    """Adds the version; without names that are `accepted` at all, no move is refused."""
    last = await services.overrides.current() or BUILT_IN
    compared = _compared(services, last.text, text)
    refused = [] if accepted is None else [move for move in compared.far if move.accepted_as not in accepted]
    if refused:
        raise CatalogError("\n".join([*(move.line for move in refused), _far(refused)]))
    now_s, act = int(services.clock.now_s()), act_of(arguments)
    stored = StoredOverrides(last.version + 1, text, act.by, now_s, act.why)
    if not await services.overrides.add(stored):
        raise Conflict(OVERTAKEN, code="already_exists")
    return {"version": stored.version, "changes": compared.changes, "look": await _unready(services, compared)}


def _far(refused: Sequence[Move]) -> str:
    names = ",".join(dict.fromkeys(move.accepted_as for move in refused))
    return f"These move by more than a quarter, or to 0. Nothing was set; if they are meant, say --accept {names}"


class Compared(Struct, frozen=True):
    """Two documents over all data files: how rows change, which prices move far, and what the later one makes."""

    changes: Sequence[str]
    far: Sequence[Move]
    after: Sequence[Row]


def _compared(services: Operator, before: str, after: str) -> Compared:
    """Compares the documents, of which the later one is checked; raises `CatalogError`."""
    kinds = all_kinds()
    sections = [kind.section for kind, _ in kinds]
    old, new = (read_overrides(text.encode(), 1, sections) for text in (before, after))
    _check_days(new, datetime.fromtimestamp(services.clock.now_s(), UTC).date().isoformat())
    pairs = []
    for kind, known in kinds:
        file = document_of(kind)
        checked(kind, file, new, known)
        pairs.append((overlaid(kind, file, old), overlaid(kind, file, new)))
    # The margins are those of every file.
    changed = dict.fromkeys(chain.from_iterable(changes(*pair) for pair in pairs))
    far = {move.line: move for pair in pairs for move in moves(*pair)}
    return Compared(list(changed), list(far.values()), [later for _, later in pairs])


def _check_days(overrides: Overrides, today: str) -> None:
    for name, section in overrides.sections.items():
        day = section.get("price_version")
        if day is not None and day > today:
            raise CatalogError(f"{name}: price_version: {day} is after today, {today}")


async def _unready(services: Operator, compared: Compared) -> list[str]:
    """Names the providers of the operator's own that have no address yet: nothing can be served there."""
    named = dict.fromkeys(chain.from_iterable(map(_own_providers, compared.after)))
    if not named:
        return []
    rows = await services.provider_rows.read()
    return [f"{name} has no address yet: set-provider-key {name}" for name in named if name not in rows]


def _own_providers(document: Row) -> Iterator[str]:
    for row in document["models"]:
        for part in (row, *row.get("targets", ())):
            if row_of(part.get("provider", "")) == CUSTOM:
                yield part["provider"]


async def _version(services: Operator, number: int) -> StoredOverrides:
    stored = BUILT_IN if number == 0 else await services.overrides.version(number)
    if stored is None:
        raise NotFound(f"There is no version {number}.")
    return stored


def _described(stored: StoredOverrides) -> Document:
    described: Document = asdict(stored)
    return {**described, "document": orjson.loads(described.pop("text"))}


def _line(stored: Mapping[str, Any]) -> str:
    if stored["version"] == 0:
        return "version 0 is the catalog of the release"
    return f"version {stored['version']}  {stored['at_s']}  {stored['by']}  {stored['note']}".rstrip()

"""Puts the bytes of uploaded files in the place of their names: a wire's table says where they stand in a request.

Only what a model reads is looked at. In tools' arguments and results, schemas and metadata an id is the caller's data.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from gateway.canonical.parts import InlineMedia

PartJson: TypeAlias = dict[str, Any]


class Named(Struct, frozen=True):
    """The name of a file: an id or a URL, at `member` of its part. A place for pictures takes nothing else."""

    member: str
    given: str
    is_image: bool = False


class FileMembers(Struct, frozen=True):
    """One wire's places of files.

    `holders` are the members through which parts are reached. `named` gives the name in a part, if there is one, and
    `inlined` the part with the file itself, which has no name where the caller gave none.
    """

    holders: Collection[str]
    named: Callable[[PartJson], Named | None]
    inlined: Callable[[PartJson, InlineMedia, str], PartJson]


class Place(Struct, frozen=True):
    """One part that names a file; `param` is the JSON path of the name."""

    part: PartJson
    name: Named
    param: str


def places(document: Mapping[str, Any], members: FileMembers) -> list[Place]:
    """The parts of a request that name files, in order."""
    found = []
    for path, part in _parts(document, members.holders, ""):
        name = members.named(part)
        if name is not None:
            found.append(Place(part, name, f"{path}.{name.member}"))
    return found


def put(place: Place, members: FileMembers, media: InlineMedia, file_name: str) -> None:
    """Puts a file in the place of its name."""
    part = members.inlined(place.part, media, file_name)
    place.part.clear()
    place.part.update(part)


def plain_text(media: InlineMedia) -> str:
    """The text of a text file."""
    return base64.b64decode(media.data_base64).decode()


def member(part: PartJson, name: str) -> PartJson:
    """A member that is an object; an empty one where it is not."""
    inner = part.get(name)
    return inner if isinstance(inner, dict) else {}


def _parts(value: Any, holders: Collection[str], path: str) -> Iterator[tuple[str, PartJson]]:
    if isinstance(value, list):
        for position, element in enumerate(value):
            yield from _parts(element, holders, f"{path}[{position}]")
    elif isinstance(value, dict):
        yield path, value
        for holder in holders:
            if holder in value:
                yield from _parts(value[holder], holders, f"{path}.{holder}" if path else holder)

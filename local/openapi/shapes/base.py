"""Parts of many shapes: amounts, times, lists, and the gateway's own member of an answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

# An amount of USD. Decimal text is exact; a float would lose digits.
Usd = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", extra_json_schema={"format": "decimal"})]
# What opens something: SDKs do not show it where an answer is printed.
Secret = Annotated[str, Meta(extra_json_schema={"format": "password"})]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Json = dict[str, Any]


class Shape(Struct, kw_only=True):
    """Base of shapes. Answers may have members that no shape names, since providers' are passed on."""


def listed(name: str, element: Any) -> type[Struct]:
    """Makes the shape of a page in the contract's one shape."""
    members = [("object", Literal["list"]), ("data", list[element]), ("has_more", bool), ("next_cursor", str | None)]
    return defstruct(name, members, module=__name__, namespace={"__doc__": "One page of a list."})


def ids_listed(name: str, element: Any) -> type[Struct]:
    """Makes the shape of a page as OpenAI's lists have it, which name their ends."""
    members = [
        ("object", Literal["list"]),
        ("data", list[element]),
        ("first_id", str | None),
        ("last_id", str | None),
        ("has_more", bool),
    ]
    return defstruct(name, members, module=__name__, namespace={"__doc__": "One page of a list."})


class TriedModel(Shape, kw_only=True):
    """A candidate, and what came of it: `served`, a failure, or why it was not asked."""

    model: str
    provider: str
    outcome: str
    own_key: bool | UnsetType = UNSET


class Extension(Shape, kw_only=True):
    """The gateway's own member of an answer: what served it, and what it cost."""

    generation_id: str
    model_used: str
    models_tried: list[TriedModel]
    cache: Literal["miss", "exact", "semantic"]
    cost_usd: Usd
    tools: list[Json] | UnsetType = UNSET


class ErrorBody(Shape, kw_only=True):
    """An error: `type` and `code` are for programs, `message` is for people, `param` is a JSON path."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(Shape, kw_only=True):
    """Answer to a request that was refused or has failed."""

    error: ErrorBody

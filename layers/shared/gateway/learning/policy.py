"""Reads policies: versioned documents that say how candidates are chosen among. Pure.

    {"version": "2026-12-01", "salt": "december", "pinned": {"key_1": "careful"},
     "parts": [{"name": "careful", "percent": 90, "kind": "static"},
               {"name": "new", "percent": 10, "kind": "learned", "weights": {"rating": 0.5, "success": 0.2,
                "latency": 0.1, "cost": 0.2}, "exploration": {"share": 0.1, "extra_cost": 0.25}}]}

A version is never written twice: what a decision names can be read for as long as its log.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Scale = Annotated[float, Meta(gt=0.0, le=1e12)]
Weight = Annotated[float, Meta(ge=0.0, le=1e6)]


class PolicyError(ValueError):
    """A document that is no policy. The text says where, and what to write."""


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """The parts of a reward. They count by their sum, which is more than nothing."""

    rating: Weight = 0.5
    success: Weight = 0.2
    latency: Weight = 0.1
    cost: Weight = 0.2

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return self.rating + self.success + self.latency + self.cost


class Scales(Struct, frozen=True, forbid_unknown_fields=True):
    """The time and the cost that are worth half: a reward's share of each is `scale / (scale + measured)`."""

    seconds: Scale = 5.0
    nano_usd: Scale = 2_000_000.0


class Exploration(Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds of trying what does not look best.

    `share` is the most of the requests, `least` what each candidate gets of them as far as the other bounds leave it.
    `extra_cost` is the most that it may add to what the best one is expected to cost, as a share of that.
    """

    share: Share = 0.2
    least: Share = 0.005
    extra_cost: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.2


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One way to choose, and its share of the requests."""

    name: Name
    percent: Annotated[int, Meta(ge=0, le=100)]
    kind: Literal["static", "cheapest", "learned"]
    weights: Weights = Weights()
    scales: Scales = Scales()
    exploration: Exploration = Exploration()


class PolicyDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """All that decides how requests are routed, under one version. `pinned` has parts by the id of a key.

    With `explores_nano_usd_a_day` no request tries what is expected to cost more than what is left of that.
    """

    version: Name
    parts: Annotated[tuple[Policy, ...], Meta(min_length=1, max_length=16)]
    salt: str = ""
    pinned: Mapping[str, str] = {}
    explores_nano_usd_a_day: Annotated[int, Meta(ge=0)] | None = None

    def part_for(self, key_id: str, unit: str) -> Policy:
        """The policy of a request: the key's, or the one that its unit falls to.

        A unit is what shall stay with one policy: a conversation, or a single request. It falls evenly, by a checksum.
        """
        pinned = self.pinned.get(key_id)
        if pinned is not None:
            return next(part for part in self.parts if part.name == pinned)
        place = int.from_bytes(sha256(f"{self.salt}\0{unit}".encode()).digest()[:8], "big") % 100
        for part in self.parts:
            place -= part.percent
            if place < 0:
                return part
        raise PolicyError("'parts': the percentages sum to less than 100")


def policy_document(written: Any) -> PolicyDocument:
    """The document, judged; raises `PolicyError`."""
    try:
        read = convert(written, PolicyDocument)
    except ValidationError as error:
        raise PolicyError(str(error)) from error
    names = [part.name for part in read.parts]
    if len(set(names)) != len(names):
        raise PolicyError("'parts': two have the same name")
    if sum(part.percent for part in read.parts) != 100:
        raise PolicyError("'parts': the percentages do not sum to 100")
    if unknown := set(read.pinned.values()) - set(names):
        raise PolicyError(f"'pinned': no part has the name {min(unknown)!r}")
    for part in read.parts:
        if part.weights.total <= 0:
            raise PolicyError(f"'parts': the weights of {part.name!r} sum to nothing")
    return read

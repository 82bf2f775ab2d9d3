"""The tries of a request, and the text of them that its charge keeps, `Charge.route`: mostly one word.

Tries stand one a line, as `provider|model|outcome`, with `|own` where the account's own provider key was used. One that
served, with the model that is charged and the gateway's credential, is its provider's name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

# The outcome of the candidate whose answer it is.
SERVED = "served"
OWN = "own"
# What would be taken for the end of a part: a provider's own code may be any text.
PLAIN = str.maketrans("|\n", "  ")


class Tried(Struct, frozen=True):
    """A candidate, and what came of it: `served`, the status and code of a failure, or why it was not asked.

    `own_key` tells that it was asked with the account's own key of the provider.
    """

    model: str
    provider: str
    outcome: str
    own_key: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """The candidate as answers have it."""
        told: dict[str, Any] = {"model": self.model, "provider": self.provider, "outcome": self.outcome}
        return told | ({"own_key": True} if self.own_key else {})


def route_of(tries: Iterable[Tried], model_used: str) -> str:
    """The text of the tries, in order; `model_used` is the charge's."""
    return "\n".join([_line(each, model_used) for each in tries])


def tries_of(route: str, model_used: str) -> Sequence[Tried]:
    """Reads what `route_of` wrote."""
    return [_try(line, model_used) for line in route.split("\n")]


def _line(tried: Tried, model_used: str) -> str:
    if tried == Tried(model_used, tried.provider, SERVED):
        return tried.provider
    parts = (tried.provider, tried.model, tried.outcome.translate(PLAIN))
    return "|".join((*parts, OWN) if tried.own_key else parts)


def _try(line: str, model_used: str) -> Tried:
    provider, *told = line.split("|")
    model, outcome, *own = told or (model_used, SERVED)
    return Tried(model, provider, outcome, bool(own))

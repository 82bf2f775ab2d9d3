"""Keeps a conversation at the target that holds its prompt cache, while that is the cheaper one. Pure.

A conversation is known by the caller's `prompt_cache_key`, or by its first turns, of an account: of them a digest is
kept, for as long as providers keep a cache that is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256

from msgspec import Struct

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.parts import Text
from gateway.canonical.request import ChatRequest
from gateway.framing import json_edit
from gateway.routing.order import Expected, price_usd
from gateway.routing.plan import Candidate, id_of

# Providers keep a prompt for 5 to 10 minutes after its last use, and none of fewer tokens.
KEPT_S = 600
TOKENS_MIN = 1024
CONVERSATIONS_MAX = 10_000
NAMED = "prompt_cache_key"
_MARK = f'"{NAMED}"'.encode()


class Stay(Struct, frozen=True):
    """The target that holds a conversation's prompt, the tokens that it holds, and until when (monotonic)."""

    arm: str
    tokens: int
    until_s: float


class Stays:
    """The conversations that a process has served lately, the newest of them."""

    def __init__(self) -> None:
        self._known: dict[str, Stay] = {}

    def note(self, conversation: str, arm: str, tokens: int, now_s: float) -> None:
        """Notes that a target has read a conversation's prompt of so many tokens."""
        self._known.pop(conversation, None)
        if tokens < TOKENS_MIN:
            return
        self._known[conversation] = Stay(arm, tokens, now_s + KEPT_S)
        if len(self._known) > CONVERSATIONS_MAX:
            del self._known[next(iter(self._known))]

    def of(self, conversation: str, now_s: float) -> Stay | None:
        """Finds where a conversation's prompt is held."""
        found = self._known.get(conversation)
        return found if found is not None and found.until_s > now_s else None


def conversation_of(account_id: str, request: ChatRequest) -> str:
    """The digest that a conversation of an account is known by."""
    digest = sha256(account_id.encode())
    for said in _named(request.source) or _first_turns(request):
        digest.update(b"\0" + said)
    return digest.hexdigest()


def share_of(unit: str) -> float:
    """A number from 0 to below 1 that is the same for one unit, and even over many."""
    return int.from_bytes(sha256(unit.encode()).digest()[:6], "big") / 2**48


def cheaper_stay(candidates: Sequence[Candidate[ChatModel]], first: str, stay: Stay, expected: Expected) -> str | None:
    """The target to stay at: the one that holds the prompt, if another is to be first that would cost more."""
    by_arm: Mapping[str, Candidate[ChatModel]] = {id_of(each): each for each in candidates}
    held, other = by_arm.get(stay.arm), by_arm.get(first)
    if held is None or other is None or held is other:
        return None
    return stay.arm if _cached(held, stay, expected) < price_usd(other.target.price, expected) else None


def _cached(candidate: Candidate[ChatModel], stay: Stay, expected: Expected) -> Decimal:
    """The cost where the held tokens are read from the cache."""
    price = candidate.target.price
    if price.cache_read is None:
        return price_usd(price, expected)
    read = min(stay.tokens, expected.prompt_tokens)
    return price_usd(price, expected) - (Decimal(price.input) - Decimal(price.cache_read)) * read


def _named(source: bytes) -> Iterable[bytes]:
    if source.find(_MARK) < 0:
        return ()
    name = json_edit.members(source).get(NAMED)
    return () if name is None else (bytes(name),)


def _first_turns(request: ChatRequest) -> Iterable[bytes]:
    """All texts up to the first of the user's."""
    for message in request.messages:
        yield message.role.encode()
        yield from (part.text.encode() for part in message.parts if isinstance(part, Text))
        if message.role == "user":
            return

"""Builds requests of no particular wire, shaped by a table of rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.canonical.parts import Message, Part, Text
from gateway.canonical.request import ChatRequest, RoutingPreferences
from gateway.canonical.target import Profile, Target
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.constraints import RULES, Rule, shape
from gateway.providers.constraints.table import added_up

STRICTLY = RoutingPreferences(require_parameters=True)


def said(role: Any, *parts: Part | str) -> Message:
    """Builds a turn. A string is a text."""
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


HI = said("user", "hi")


def asked(*messages: Message, protocol: str = "asker", source: bytes = b"{}", **fields: Any) -> ChatRequest:
    """Builds a request of a wire that no provider speaks."""
    return ChatRequest(protocol, "m", messages or (HI,), source, **fields)


def shaped(
    dialect: str, *messages: Message, generation: str = "", rules: Iterable[Rule] = RULES, **fields: Any
) -> ChatRequest:
    """Returns the request as a model of this dialect and generation accepts it."""
    target = Target("up", PROFILES.get(generation, Profile("plain")), 1_000, context_window=2_000)
    return shape(asked(*messages, **fields), target, added_up(rules, dialect, generation))

"""All people and all organizations, for operators: each method reads the whole table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from gateway.ports.organizations import Organization
from gateway.ports.people import User


class Directory(Protocol):
    """Lists what other stores find by an id. No function of the stack needs it, so none loads it."""

    def people(self) -> AsyncIterator[User]:
        """All people, those that have left too, in no order."""

    def organizations(self) -> AsyncIterator[Organization]:
        """All organizations, closed ones too, in no order."""

"""Finds the person whom an operator names, by its id or its address."""

from __future__ import annotations

from gateway.errors import NotFound
from gateway.people.tokens import hashed
from gateway.ports.people import User
from gateway.wiring.operator import Operator


async def user_of(services: Operator, named: str) -> User:
    """The person of an id or an address; raises `NotFound`, also for one that is gone."""
    user_id: str | None = named
    if "@" in named:
        user_id = await services.people.user_id_at(hashed(named.strip().lower()))
    user = None if user_id is None else await services.people.user(user_id)
    if user is None or user.deactivated:
        raise NotFound(f"There is no person '{named[:100]}'.")
    return user

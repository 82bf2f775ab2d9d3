"""The endpoints of what an account's agents remember: kept across runs (`tenant`), or by one run alone (`task`).

The account comes from the key and from nothing else, as for the agents' own tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gateway.accounts.pages import Page, iso_utc
from gateway.errors import InvalidRequest, NotFound
from gateway.http.calls import KeyedCall, Shown
from gateway.http.endpoints import Endpoints
from gateway.wiring.memories import memories, memory_of_run

UNKNOWN = "Nothing is remembered under the key '{}'."
NEEDS_TASK = "The level 'task' needs the 'task_id' of a run or task."
NO_TASK = "The level 'tenant' belongs to no task: leave 'task_id' out."


class MemoryQuery(Struct):
    """The memories that a query asks for."""

    level: Literal["tenant", "task"] = "tenant"
    task_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


served = Endpoints(KeyedCall, "/v1/memory")


@served.on("GET", "", query=MemoryQuery)
async def list_memories(call: KeyedCall, wanted: MemoryQuery) -> Shown:
    """Lists memories by their keys; all of them, since there are 256 at most."""
    if wanted.level == "tenant":
        if wanted.task_id is not None:
            raise InvalidRequest(NO_TASK, param="task_id", code="invalid_value")
        known = await memories().read(call.account_id)
        return _listed(known, lambda key: _view("tenant", key, known[key].value, known[key].written_at_s))
    if wanted.task_id is None:
        raise InvalidRequest(NEEDS_TASK, param="task_id", code="missing_required_parameter")
    remembered = await memory_of_run(call.account_id, wanted.task_id)
    return _listed(remembered, lambda key: _view("task", key, remembered[key], None))


@served.on("DELETE", "/{key...}")
async def delete_memory(call: KeyedCall) -> Shown:
    """Deletes what the account's agents remember under a key."""
    key = call.path["key"]
    if not await memories().delete(call.account_id, key):
        raise NotFound(UNKNOWN.format(key[:128]), param="key", code="memory_not_found")
    return {"object": "memory.deleted", "level": "tenant", "key": key, "deleted": True}


def _view(level: str, key: str, value: str, written_at_s: int | None) -> dict[str, Any]:
    """One memory; those of a run say no time."""
    updated = None if written_at_s is None else iso_utc(written_at_s)
    return {"object": "memory", "level": level, "key": key, "value": value, "updated_at": updated}


def _listed(keys: Iterable[str], view: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """All memories, by their keys, as one page."""
    return Page(sorted(keys), None).shown(view)

"""Reads and writes memory: of the run (`task`), shared by its steps, or of the account (`tenant`), kept across runs.

The account comes from the run's key and from nothing else. Memory of the run is in its journal.
"""

from __future__ import annotations

import orjson

from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work, text_of
from gateway.errors import InvalidRequest
from gateway.ports.memories import KEY_CHARACTERS_MAX, VALUE_CHARACTERS_MAX

LEVELS = ("task", "tenant")
TASK_KEYS_MAX = 64
_LEVEL = {"type": "string", "enum": list(LEVELS), "description": "'task': this run; 'tenant': kept across runs."}
_KEY = {"type": "string", "maxLength": KEY_CHARACTERS_MAX}


async def read(work: Work, arguments: Arguments) -> str:
    """The value under a key, or the keys that there are."""
    known = await _known(work, _level(arguments))
    if not arguments.get("key"):
        return orjson.dumps({"keys": sorted(known)}).decode()
    key = text_of(arguments, "key", characters_max=KEY_CHARACTERS_MAX)
    return orjson.dumps({"key": key, "value": known.get(key)}).decode()


async def write(work: Work, arguments: Arguments) -> str:
    """Sets the value of a key; the same value twice changes nothing."""
    level = _level(arguments)
    key = text_of(arguments, "key", characters_max=KEY_CHARACTERS_MAX)
    value = text_of(arguments, "value", characters_max=VALUE_CHARACTERS_MAX)
    if level == "tenant":
        try:
            await work.memories.write(work.account_id, key, value, work.clock.now_s())
        except InvalidRequest as full:
            raise ToolRefused(full.message) from None
    else:
        if len({*work.memory, key}) > TASK_KEYS_MAX:
            raise ToolRefused(f"The memory of a run has at most {TASK_KEYS_MAX} keys.")
        work.remembered[key] = value
    return orjson.dumps({"key": key, "written": True}).decode()


async def _known(work: Work, level: str) -> dict[str, str]:
    if level == "task":
        return dict(work.memory)
    found = await work.memories.read(work.account_id)
    return {key: memory.value for key, memory in found.items()}


def _level(arguments: Arguments) -> str:
    level = text_of(arguments, "level", characters_max=16, default="task")
    if level not in LEVELS:
        raise ToolRefused("The argument 'level' should be 'task' or 'tenant'.")
    return level


READ = Tool(
    name="memory_read",
    description="Reads what was remembered under a key; without a key, lists the keys.",
    parameters={"type": "object", "properties": {"level": _LEVEL, "key": _KEY}},
    run=read,
)
WRITE = Tool(
    name="memory_write",
    description="Remembers a fact under a key: for this run, or for later runs too.",
    parameters={
        "type": "object",
        "properties": {
            "level": _LEVEL,
            "key": _KEY,
            "value": {"type": "string", "maxLength": VALUE_CHARACTERS_MAX},
        },
        "required": ["key", "value"],
    },
    run=write,
)

"""Runs Python that the model writes, in a function of its own whose role allows nothing."""

from __future__ import annotations

import orjson

from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work, text_of
from gateway.ports.sandbox import CODE_CHARACTERS_MAX

NOTHING = "(The program printed nothing; print what you want to see.)"


async def run(work: Work, arguments: Arguments) -> str:
    """Returns what the program printed; an error that ended it is refused with what was printed before."""
    code = text_of(arguments, "code", characters_max=CODE_CHARACTERS_MAX)
    outcome = await work.outside.sandbox.run(code)
    if outcome.error is not None:
        raise ToolRefused(
            f"{outcome.error}\nBefore that it printed:\n{outcome.output}" if outcome.output else outcome.error
        )
    return orjson.dumps({"output": outcome.output or NOTHING}).decode()


TOOL = Tool(
    name="python_exec",
    description=(
        "Runs a short Python program and returns what it prints; print what you want to see. Each call starts anew."
        " There are no files, no network, no processes and no third-party packages. Of the standard library there are"
        " math, re, json, datetime, time, random, decimal, itertools, functools, collections, dataclasses, csv, bisect,"
        " copy, base64 and hashlib. A program may run for 10 s in 128 MB."
    ),
    parameters={
        "type": "object",
        "properties": {"code": {"type": "string", "maxLength": CODE_CHARACTERS_MAX}},
        "required": ["code"],
    },
    run=run,
    time_limit_s=40.0,
)

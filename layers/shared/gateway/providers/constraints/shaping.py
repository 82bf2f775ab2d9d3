"""The one place where a bridged request is made to fit its target, between the plan and the encoder. Pure.

Names go there and back, bounds are clamped, blanks dropped, turns completed; what a caller asked for and would lose is
refused by name where `provider.require_parameters` is set. A request of the target's own wire is the provider's to
judge.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.canonical.custom_tools import as_functions
from gateway.canonical.request import ChatRequest, Tool
from gateway.canonical.target import Target
from gateway.errors import InvalidRequest
from gateway.providers.constraints.bounds import fit_bounds, fit_thinking
from gateway.providers.constraints.enforced import enforceable
from gateway.providers.constraints.formats import fit_format
from gateway.providers.constraints.marks import fit_marks
from gateway.providers.constraints.media import fit_media
from gateway.providers.constraints.naming import renamed
from gateway.providers.constraints.refusals import refuse
from gateway.providers.constraints.schema_types import refuse_wrong_types
from gateway.providers.constraints.schemas import fit_root, is_closed, is_objects
from gateway.providers.constraints.table import Constraints
from gateway.providers.constraints.turns import fit_turns


def shape(request: ChatRequest, target: Target, limits: Constraints) -> ChatRequest:
    """The request that fits; raises `InvalidRequest` naming what cannot be made to."""
    refuse_wrong_types(request)
    shaped = request if target.profile.custom_tools else as_functions(request)
    shaped = fit_bounds(shaped, target, limits)
    shaped = fit_format(shaped, limits)
    shaped = shaped if limits.tool_names_repeat else _with_unique_names(shaped)
    shaped = replace(shaped, tools=tuple(_tool(shaped, at, tool, limits) for at, tool in enumerate(shaped.tools)))
    shaped = renamed(shaped, limits).applied(shaped)
    shaped = replace(shaped, messages=fit_turns(fit_media(shaped.messages, limits), limits))
    return fit_marks(fit_thinking(shaped, limits), limits)


def _with_unique_names(request: ChatRequest) -> ChatRequest:
    """The first tool of each name, as when two servers of tools offer one; another one of the name would be lost."""
    first: dict[str, Tool] = {}
    kept: list[Tool] = []
    for place, tool in enumerate(request.tools):
        if tool.builtin is not None or tool.name not in first:
            first[tool.name] = tool
            kept.append(tool)
        elif first[tool.name] != tool:
            refuse(request, f"tools[{place}]", "this model's provider takes one tool of a name")
    return request if len(kept) == len(request.tools) else replace(request, tools=tuple(kept))


def _tool(request: ChatRequest, place: int, tool: Tool, limits: Constraints) -> Tool:
    """A tool with a schema that may stand at the root of one."""
    if tool.builtin is not None or tool.free_text is not None or (tool.parameters is None and not tool.strict):
        return tool
    path = f"tools[{place}]"
    given = tool.parameters or {}
    if not is_objects(given):
        raise InvalidRequest(f"Invalid '{path}': a tool's schema is an object's.", param=path, code="invalid_schema")
    schema, is_less = fit_root(given, limits)
    strict = tool.strict
    if strict and not limits.tool_root_only:
        schema, tells_more = enforceable(schema, limits)
        is_less = is_less or tells_more
    if is_less:
        refuse(request, path, "this model's provider cannot hold a call to all of its schema")
    if strict and limits.strict_schemas_closed and not is_closed(schema):
        refuse(request, path, "this model's provider is strict with closed schemas only")
        strict = None
    fits = schema is tool.parameters and strict is tool.strict
    return tool if fits else replace(tool, parameters=schema, strict=strict)

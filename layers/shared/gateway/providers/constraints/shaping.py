"""The one place where a bridged request is made to fit its target, between the plan and the encoder. Pure.

Names go there and back, bounds are clamped, blanks dropped, turns completed; what a caller asked for and would lose is
refused by name where `provider.require_parameters` is set. A request of the target's own wire is the provider's to
judge.
"""

from __future__ import annotations

from msgspec.structs import replace

from gateway.canonical.custom_tools import as_functions
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.providers.constraints.bounds import fit_bounds, fit_thinking
from gateway.providers.constraints.formats import fit_format
from gateway.providers.constraints.marks import fit_marks
from gateway.providers.constraints.media import fit_media, refuse_media
from gateway.providers.constraints.naming import renamed
from gateway.providers.constraints.schema_types import refuse_wrong_types
from gateway.providers.constraints.table import Constraints
from gateway.providers.constraints.tools import fit_tools
from gateway.providers.constraints.turns import fit_turns


def shape(request: ChatRequest, target: Target, limits: Constraints) -> ChatRequest:
    """The request that fits; raises `InvalidRequest` naming what cannot be made to."""
    refuse_wrong_types(request)
    refuse_media(request.messages, target)
    shaped = request if target.profile.custom_tools else as_functions(request)
    shaped = fit_bounds(shaped, target, limits)
    shaped = fit_format(shaped, limits)
    shaped = fit_tools(shaped, limits)
    shaped = renamed(shaped, limits).applied(shaped)
    shaped = replace(shaped, messages=fit_turns(fit_media(shaped.messages, limits), limits))
    return fit_marks(fit_thinking(shaped, limits), limits)

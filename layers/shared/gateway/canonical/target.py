"""Where one attempt goes, as far as a codec needs to know it: the provider's name of the model and what it can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Profile:
    """What the models of one family accept.

    `fixed_sampling` models take no temperature or top_p: what a caller sends of them is left out. `system_role` is the
    role that instructions travel under. `output_limit` names the member that bounds the answer. `efforts` are the
    words of reasoning effort that the family knows.
    """

    name: str
    fixed_sampling: bool = False
    system_role: Literal["system", "developer", "user"] = "system"
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    efforts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A model at a provider. `max_output_tokens` is the model's own bound on one answer."""

    model: str
    profile: Profile
    max_output_tokens: int

"""Names the settings that an account's own key of a provider takes beside the key itself.

They are parts of an address or of a path, each with a pattern, and never an address: where a provider is asked is its
row's alone. A provider that is not named takes none. Settings by which a row would sign with the operator's role, or
ask the operator's project, do not stand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from gateway.providers.chat.bedrock import REGIONS
from gateway.providers.chat.registry import PROVIDERS


class Setting(Struct, frozen=True):
    """One setting: the pattern of its whole value, and whether a key needs it."""

    pattern: str
    required: bool = True


NONE: Mapping[str, Setting] = {}
SETTINGS: Mapping[str, Mapping[str, Setting]] = {"bedrock": {"region": Setting(REGIONS)}}


def takes_own_key(provider: str) -> bool:
    """True for a provider whose key an account may bring."""
    return provider in PROVIDERS


def faults(provider: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """Finds what is wrong with the settings given for a provider, by the setting's name."""
    known = SETTINGS.get(provider, NONE)
    unknown = {name: "This provider takes no such setting." for name in given if name not in known}
    missing = {name: "This provider needs it." for name, one in known.items() if one.required and name not in given}
    misfit = {
        name: "Input should be as the provider writes it."
        for name, one in known.items()
        if name in given and re.fullmatch(one.pattern, given[name]) is None
    }
    return {**unknown, **missing, **misfit}

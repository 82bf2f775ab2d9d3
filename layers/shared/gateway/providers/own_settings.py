"""Names the settings that an account's own key of a provider takes beside the key itself.

They are parts of an address or of a path, each with a pattern, and never an address: where a provider is asked is its
row's alone. A provider with regions takes the one in which the key is good; further settings stand here. Those by which
a row would sign with the operator's role, or ask the operator's project, do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from gateway.ports.upstream import CUSTOM
from gateway.providers.chat.registry import PROVIDERS


class Setting(Struct, frozen=True):
    """One setting: the pattern of its whole value, and whether a key needs it."""

    pattern: str
    required: bool = False


NONE: Mapping[str, Setting] = {}
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RESOURCE = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_API_VERSION = r"v1|preview|latest|20[0-9]{2}-[0-9]{2}-[0-9]{2}(?:-preview)?"
MORE: Mapping[str, Mapping[str, Setting]] = {
    "azure": {"resource": Setting(_RESOURCE, required=True), "api_version": Setting(_API_VERSION)},
}
# Those whose keys are good in one region alone, which has no default.
NEED_REGION = frozenset({"bedrock"})


def takes_own_key(provider: str) -> bool:
    """True for a provider whose key an account may bring: one of a vendor's, at the vendor's own address."""
    return provider in PROVIDERS and provider != CUSTOM


def settings_of(provider: str) -> Mapping[str, Setting]:
    """The settings of a provider's keys, by name."""
    row = PROVIDERS[provider]
    region = {row.region_setting: Setting(row.regions, required=provider in NEED_REGION)} if row.region_setting else {}
    return {**region, **MORE.get(provider, NONE)}


def faults(provider: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """Finds what is wrong with the settings given for a provider, by the setting's name."""
    known = settings_of(provider)
    unknown = {name: "This provider takes no such setting." for name in given if name not in known}
    missing = {name: "This provider needs it." for name, one in known.items() if one.required and name not in given}
    misfit = {
        name: "Input should be as the provider writes it."
        for name, one in known.items()
        if name in given and re.fullmatch(one.pattern, given[name]) is None
    }
    return {**unknown, **missing, **misfit}

"""Tests, over random targets and credentials, that no request is processed outside of its key's region."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.models import ModelTarget, Name
from gateway.errors import OutOfRegion
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.provider_keys import FIRST, Envelope, ProviderKey
from gateway.ports.upstream import Credential
from gateway.routing.own import with_own
from gateway.routing.plan import Candidate
from tests.app.harness import CATALOG, RECORD
from tests.fakes.credentials import MemoryCredentials

# The setting of each provider's region, and some of its regions.
PROVIDERS = {
    "qwen": ("region", ("ap-southeast-1", "us-east-1", "cn-beijing")),
    "moonshot": ("region", ("global", "cn-mainland")),
    "zhipu": ("region", ("global", "cn-mainland")),
    "bedrock": ("region", ("us-east-1", "cn-north-1")),
    "vertex": ("location", ("global", "us-east5")),
    "custom/house": ("region", ("lab", "cn-lab")),
    "deepseek": ("region", ()),
    "openai": ("region", ()),
}
CHINESE = {"deepseek"}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Candidate[Any], list[Credential], ProviderKey | None, Principal]:
    provider = draw(st.sampled_from(sorted(PROVIDERS)))
    setting, regions = PROVIDERS[provider]
    region = st.none() | st.sampled_from(regions) if regions else st.none()

    def settings_of(place: str | None) -> dict[str, str]:
        return {} if place is None else {setting: place}

    credentials = [
        Credential(f"k{number}", extra=settings_of(place), id=f"k{number}")
        for number, place in enumerate(draw(st.lists(region, max_size=4)))
    ]
    target = ModelTarget(provider=provider, upstream_model="up", price="1", region=draw(region))
    model: Any = CATALOG.offer("gpt-4o")
    candidate = Candidate(Name("m", model), model, target)
    own = None
    if draw(st.booleans()):
        own = ProviderKey(
            "a", provider, "pvk", "n", FIRST, "abcd", 0, 0, 1, Envelope("", ""), settings_of(draw(region))
        )  # fmt: skip
    policy = draw(st.sampled_from(["any", "cn-only", "overseas-only"]))
    return candidate, credentials, own, Principal("a", replace(RECORD, region_policy=policy))


class Opened:
    """Own keys that are opened at once."""

    async def of(self, account_id: str) -> tuple[ProviderKey, ...]:
        del account_id
        return ()

    async def credential(self, key: ProviderKey) -> Credential:
        return Credential("own", extra=key.settings, id="own")


def is_chinese(provider: str, place: str | None) -> bool:
    return provider in CHINESE if place is None else place.startswith("cn-")


@settings(max_examples=400)
@given(cases())
def test_a_credential_that_a_request_may_use_is_of_its_keys_region(
    case: tuple[Candidate[Any], list[Credential], ProviderKey | None, Principal],
) -> None:
    candidate, credentials, own, principal = case
    provider, policy = candidate.target.provider, principal.key.region_policy
    nothing_is_sent: Any = None
    client = ProviderClient(
        MemoryCredentials({provider: credentials}), nothing_is_sent, nothing_is_sent, Opened()
    )  # fmt: skip
    for each in with_own([candidate], () if own is None else (own,), []):
        if not principal.may_reach(each.target):
            continue
        try:
            usable = asyncio.run(client.choice(each, principal))
        except OutOfRegion:
            event("none is left")
            usable = ()
        places = [each.target.region or one.region for one in usable]
        assert policy == "any" or all(is_chinese(provider, place) is (policy == "cn-only") for place in places)
        # A rule that leaves out what it need not would pass too.
        fits = [one for one in credentials if policy == "any" or not is_chinese(provider, one.region)]
        if each.own is None and each.target.region is None and policy != "cn-only":
            assert list(usable) == fits

"""Tests that a key's requests are processed only where its region policy allows."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.auth.regions import within
from gateway.canonical.models import ModelTarget
from gateway.catalog.listing import listed
from gateway.errors import OutOfRegion
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential
from tests.app.harness import CATALOG, CHAT, KEY, RECORD, Answer, Scripted, app_under_test, completion, sized
from tests.app.test_served_wires import CLIENTS, gateway, question
from tests.fakes.credentials import MemoryCredentials

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Uses real time, because the simulated providers are another process."""
    return "asyncio"


async def asked(credentials: Mapping[str, Credential], policy: str, model: str, wire: str = "openai_chat") -> Answer:
    path, body = question(wire, model, 500, stream=False)
    async with gateway(credentials) as nexgate:
        nexgate.keys.records[key_hash(KEY)] = replace(RECORD, region_policy=policy)
        return await nexgate.ask(body, path=path)


@pytest.mark.parametrize("wire", CLIENTS)
@pytest.mark.parametrize(("policy", "model"), [("cn-only", "gpt-4o"), ("overseas-only", "deepseek-chat")])
async def test_a_model_of_the_other_region_is_refused_on_every_wire(
    credentials: Mapping[str, Credential], policy: str, model: str, wire: str
) -> None:
    answer = await asked(credentials, policy, model, wire)
    assert (answer.status, b"region policy" in answer.body) == (403, True)


@pytest.mark.parametrize(
    ("policy", "model"),
    [("any", "gpt-4o"), ("any", "deepseek-chat"), ("cn-only", "deepseek-chat"), ("overseas-only", "gpt-4o")],
)
async def test_a_model_of_the_keys_region_is_served(
    credentials: Mapping[str, Credential], policy: str, model: str
) -> None:
    assert (await asked(credentials, policy, model)).status == 200


async def test_the_refusal_has_its_own_code(credentials: Mapping[str, Credential]) -> None:
    answer = await asked(credentials, "cn-only", "gpt-4o")
    assert (answer.error["code"], answer.error["param"]) == ("region_not_allowed", "model")


async def test_a_fallback_within_the_region_takes_the_place_of_a_model_outside(
    credentials: Mapping[str, Credential],
) -> None:
    _, body = question("openai_chat", "gpt-4o", 500, stream=False)
    async with gateway(credentials) as nexgate:
        nexgate.keys.records[key_hash(KEY)] = replace(RECORD, region_policy="cn-only")
        answer = await nexgate.ask({**body, "models": ["deepseek-chat"]}, path=CHAT)
    assert (answer.status, answer.json["nexevo"]["model_used"]) == (200, "deepseek-chat")


@pytest.mark.parametrize(
    ("provider", "region", "chinese"),
    [
        ("deepseek", None, True),
        ("tencent", None, True),
        ("tencent", "ap-singapore", False),
        ("dashscope", None, False),
        ("dashscope", "cn-hangzhou", True),
        ("bedrock", "us-east-1", False),
        ("bedrock", "cn-north-1", True),
    ],
)
def test_a_targets_own_region_counts_before_its_vendors(provider: str, region: str | None, chinese: bool) -> None:
    target = ModelTarget(provider=provider, upstream_model="up", price="1", region=region)
    assert within("cn-only", target.provider, target.region) is chinese
    assert within("overseas-only", target.provider, target.region) is not chinese


@pytest.mark.parametrize(("policy", "deepseek", "openai"), [("any", 1, 1), ("cn-only", 1, 0), ("overseas-only", 0, 1)])
async def test_models_are_listed_where_the_key_can_be_served_by_one_of_their_targets(
    policy: str, deepseek: bool, openai: bool
) -> None:
    caller = Principal("acct", replace(RECORD, region_policy=policy))
    seen = {row.id for row in listed(CATALOG, frozenset()) if caller.may_see((row.id,), row.targets)}
    assert ("deepseek-chat" in seen, "gpt-4o" in seen) == (deepseek, openai)
    # Some of its models are at either's.
    assert "nexevo/fast" in seen


QWEN = {"model": "qwen-plus", "messages": [{"role": "user", "content": "Hi"}]}
MAINLAND, OVERSEAS = {"region": "cn-beijing"}, {"region": "us-east-1"}


async def served_by(policy: str, *regions: dict[str, str], **more: Any) -> tuple[Answer, list[bytes]]:
    """The answer to a request for a model whose target names no region, and the keys that its provider was shown."""

    async def answered(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, completion()))

    async with Scripted(answered) as server:
        keys = [
            Credential(f"key{number}", server.base_url, extra, id=f"k{number}") for number, extra in enumerate(regions)
        ]
        rows: dict[str, Any] = {"qwen": keys, "deepseek": Credential("d", server.base_url)}
        async with app_under_test("", rows=rows) as nexgate:
            nexgate.keys.records[key_hash(KEY)] = replace(RECORD, region_policy=policy)
            answer = await nexgate.ask(QWEN | more)
        return answer, [head.split(b"Bearer ")[1].split(b"\r\n")[0] for head in server.heads]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_credential_of_the_mainland_serves_no_key_that_stays_overseas(*, stream: bool) -> None:
    answer, shown = await served_by("overseas-only", MAINLAND, stream=stream)
    assert (answer.status, answer.error["code"], shown) == (403, "region_not_allowed", [])


async def test_of_several_credentials_those_of_the_keys_region_serve() -> None:
    for _ in range(5):
        answer, shown = await served_by("overseas-only", MAINLAND, OVERSEAS, MAINLAND)
        assert (answer.status, shown) == (200, [b"key1"])


@pytest.mark.parametrize(("policy", "region"), [("any", MAINLAND), ("overseas-only", OVERSEAS), ("overseas-only", {})])
async def test_a_credential_within_the_keys_region_serves(policy: str, region: dict[str, str]) -> None:
    answer, shown = await served_by(policy, region)
    assert (answer.status, shown) == (200, [b"key0"])


async def test_a_prompt_is_counted_by_no_credential_outside_of_the_keys_region() -> None:
    nothing_is_sent: Any = None
    credentials = MemoryCredentials({"bedrock": Credential("k", extra={"region": "cn-north-1"})})
    providers = ProviderClient(credentials, nothing_is_sent, nothing_is_sent)
    target = ModelTarget(provider="bedrock", upstream_model="up", price="1")
    candidate: Any = SimpleNamespace(target=target, own=None)
    with pytest.raises(OutOfRegion):
        await providers.choice(candidate, Principal("acct", replace(RECORD, region_policy="overseas-only")))
    assert len(await providers.choice(candidate, Principal("acct", RECORD))) == 1


@pytest.mark.parametrize("region", ["cn", "cn-mainland", "china", "chinanorth3", "ap-shanghai"])
def test_a_region_that_is_called_chinese_is_in_the_mainland(region: str) -> None:
    assert within("cn-only", "custom/ok", region)
    assert not within("overseas-only", "custom/ok", region)

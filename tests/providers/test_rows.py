"""Tests of each row's address and headers against those of the vendors' own SDKs, as far as a server can tell."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile, Target
from gateway.errors import UpstreamError
from gateway.ports.upstream import CUSTOM, Credential, UpstreamRequest
from gateway.protocols import anthropic_messages, openai_chat
from gateway.providers.chat.registry import PROVIDERS, provider_row

NOW_S = 1_795_244_400.75


class Tried(NamedTuple):
    """A model of a row, the address of a whole answer, and the settings of the account that it is asked with."""

    model: str
    url: str
    extra: Mapping[str, str] = {}


# A line for each row. One with a path or a key of its own has lines in the tables below it too.
ROWS = {
    "openai": Tried("gpt-4o", "https://api.openai.com/v1/chat/completions"),
    "azure": Tried("gpt-4o", "https://r-1.openai.azure.com/openai/v1/chat/completions", {"resource": "r-1"}),
    "anthropic": Tried("claude-opus-4-7", "https://api.anthropic.com/v1/messages"),
    "gemini": Tried(
        "gemini-2.5-flash",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
    ),
    "vertex": Tried(
        "gemini-2.5-flash",
        "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent",
    ),
    "bedrock": Tried(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
        {"region": "eu-west-1"},
    ),
    "deepseek": Tried("deepseek-chat", "https://api.deepseek.com/chat/completions"),
    "xai": Tried("grok-4", "https://api.x.ai/v1/chat/completions"),
    "groq": Tried("llama-3.3-70b-versatile", "https://api.groq.com/openai/v1/chat/completions"),
    "mistral": Tried("mistral-large-latest", "https://api.mistral.ai/v1/chat/completions"),
    "openrouter": Tried("qwen/qwen3-32b", "https://openrouter.ai/api/v1/chat/completions"),
    "together": Tried("meta-llama/Llama-3.3-70B-Instruct-Turbo", "https://api.together.xyz/v1/chat/completions"),
    "fireworks": Tried("accounts/fireworks/models/glm-4p6", "https://api.fireworks.ai/inference/v1/chat/completions"),
    "cerebras": Tried("gpt-oss-120b", "https://api.cerebras.ai/v1/chat/completions"),
    "perplexity": Tried("sonar", "https://api.perplexity.ai/chat/completions"),
    "qwen": Tried("qwen-plus", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"),
    "moonshot": Tried("kimi-k2-thinking", "https://api.moonshot.ai/v1/chat/completions"),
    "zhipu": Tried("glm-4.6", "https://api.z.ai/api/paas/v4/chat/completions"),
    "minimax": Tried("MiniMax-M2", "https://api.minimax.io/v1/chat/completions"),
    "cohere": Tried("command-a-03-2025", "https://api.cohere.com/v2/chat"),
    CUSTOM: Tried("llama3.2", "https://gpu.example/v1/chat/completions", {"base_url": "https://gpu.example/v1"}),
}


def account(extra: Mapping[str, str], base_url: str) -> Credential:
    settings = dict(extra)
    given = settings.pop("base_url", None)
    return Credential("k-1", base_url or given, settings)


def request(
    row: str,
    extra: Mapping[str, str] = {},
    *,
    wire: str = "",
    model: str = "",
    stream: bool = False,
    base_url: str = "",
) -> UpstreamRequest:
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"", stream=stream)
    target = Target(model or ROWS[row].model, Profile("plain"), 4096)
    provider = provider_row(row).speaking(wire, (wire,) if wire else ())
    return provider.request(asked, target, account(extra, base_url), NOW_S)


def test_every_row_is_tried_here() -> None:
    assert set(PROVIDERS) == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_vendors_address(row: str) -> None:
    assert request(row, ROWS[row].extra).url == ROWS[row].url


@pytest.mark.parametrize(
    ("row", "wire", "stream", "extra", "url"),
    [
        ("openai", "openai_responses", False, {}, "https://api.openai.com/v1/responses"),
        (
            "azure",
            "",
            False,
            {"base_url": "https://r-1.openai.azure.com/openai/v1/"},
            "https://r-1.openai.azure.com/openai/v1/chat/completions",
        ),
        (
            "azure",
            "",
            True,
            {"base_url": "https://r-1.openai.azure.com", "api_version": "2024-10-21"},
            "https://r-1.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        ),
        (
            "azure",
            "openai_responses",
            False,
            {"resource": "r-1", "api_version": "preview"},
            "https://r-1.openai.azure.com/openai/v1/responses?api-version=preview",
        ),
        (
            "azure",
            "openai_responses",
            False,
            {"base_url": "https://r-1.openai.azure.com/openai", "api_version": "2025-04-01-preview"},
            "https://r-1.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
        ),
        (
            "gemini",
            "",
            True,
            {},
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        (
            "vertex",
            "",
            False,
            {"project": "p-1"},
            (
                "https://aiplatform.googleapis.com/v1beta1/projects/p-1/locations/global/publishers/google"
                "/models/gemini-2.5-flash:generateContent"
            ),
        ),
        (
            "vertex",
            "",
            True,
            {"project": "p-1", "location": "europe-west4"},
            (
                "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p-1/locations/europe-west4"
                "/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
            ),
        ),
        (
            "vertex",
            "anthropic_messages",
            False,
            {"project": "p-1"},
            (
                "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/publishers/anthropic"
                "/models/claude-opus-4-5%4020251101:rawPredict"
            ),
        ),
        (
            "vertex",
            "anthropic_messages",
            True,
            {"project": "p-1", "location": "us-east5"},
            (
                "https://us-east5-aiplatform.googleapis.com/v1/projects/p-1/locations/us-east5/publishers/anthropic"
                "/models/claude-opus-4-5%4020251101:streamRawPredict"
            ),
        ),
        (
            "bedrock",
            "",
            True,
            {"region": "eu-west-1"},
            (
                "https://bedrock-runtime.eu-west-1.amazonaws.com"
                "/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream"
            ),
        ),
        (
            "bedrock",
            "openai_chat",
            True,
            {"region": "eu-west-1"},
            "https://bedrock-mantle.eu-west-1.api.aws/v1/chat/completions",
        ),
        (
            "bedrock",
            "openai_responses",
            True,
            {"region": "us-east-2"},
            "https://bedrock-mantle.us-east-2.api.aws/v1/responses",
        ),
        (
            "qwen",
            "",
            False,
            {"region": "cn-beijing"},
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        ),
        ("moonshot", "", False, {"region": "cn-mainland"}, "https://api.moonshot.cn/v1/chat/completions"),
        ("zhipu", "", False, {"region": "cn-mainland"}, "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        ("minimax", "", False, {"region": "cn-mainland"}, "https://api.minimaxi.com/v1/chat/completions"),
        ("custom/a", "", False, {"base_url": "http://10.0.0.1:11434/v1"}, "http://10.0.0.1:11434/v1/chat/completions"),
        (
            "custom/a",
            "anthropic_messages",
            False,
            {"base_url": "https://llm.example"},
            "https://llm.example/v1/messages",
        ),
        (
            "custom/a",
            "anthropic_messages",
            False,
            {"base_url": "https://llm.example/v1/"},
            "https://llm.example/v1/messages",
        ),
    ],
)
def test_a_request_goes_to_the_vendors_address(
    row: str, wire: str, stream: bool, extra: dict[str, str], url: str
) -> None:
    model = "claude-opus-4-5@20251101" if wire == "anthropic_messages" else ""
    model = model or ("llama3.2" if row.startswith("custom/") else "")
    assert request(row, extra, wire=wire, model=model, stream=stream).url == url


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9/under", "http://127.0.0.1:9/under/"])
def test_the_operators_address_takes_the_place_of_the_vendors(row: str, base_url: str) -> None:
    assert request(row, {"region": "r"}, base_url=base_url).url.startswith("http://127.0.0.1:9/under/")
    credential = Credential("k", base_url, {"region": "r"})
    assert provider_row(row).origin(credential) == "http://127.0.0.1:9/under"


# The rows whose key does not go as OpenAI's does, or not always.
OWN_KEYS = {"anthropic", "azure", "gemini", "vertex"}


@pytest.mark.parametrize(
    ("row", "extra", "expected"),
    [
        *((row, tried.extra, {"authorization": "Bearer k-1"}) for row, tried in ROWS.items() if row not in OWN_KEYS),
        ("azure", {"resource": "r"}, {"api-key": "k-1"}),
        ("anthropic", {}, {"x-api-key": "k-1", "anthropic-version": "2023-06-01"}),
        ("gemini", {}, {"x-goog-api-key": "k-1"}),
        ("vertex", {}, {"x-goog-api-key": "k-1"}),
        ("vertex", {"project": "p"}, {"authorization": "Bearer k-1"}),
    ],
)
def test_a_request_bears_its_key_in_the_vendors_manner(row: str, extra: Any, expected: dict[str, str]) -> None:
    assert dict(request(row, extra).headers) == {"content-type": "application/json"} | expected


@pytest.mark.parametrize(
    ("row", "extra", "host"),
    [
        ("bedrock", {"region": "us-east-1"}, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("vertex", {"project": "p", "location": "global"}, "https://eu-central-1-aiplatform.googleapis.com"),
    ],
)
def test_a_target_may_be_asked_in_another_region_than_the_credentials(row: str, extra: Any, host: str) -> None:
    provider, credential = provider_row(row), Credential("k", None, extra)
    assert provider.located(credential, None) == credential
    assert provider.origin(provider.located(credential, "eu-central-1")) == host


@pytest.mark.parametrize(
    ("wire", "key", "expected"),
    [
        ("openai_chat", "", {}),
        ("anthropic_messages", "", {"anthropic-version": "2023-06-01"}),
        ("anthropic_messages", "k", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
    ],
)
def test_a_provider_of_the_operators_own_may_have_no_key(wire: str, key: str, expected: dict[str, str]) -> None:
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"")
    provider = provider_row("custom/ollama").speaking(wire, (wire,))
    sent = provider.request(asked, Target("m", Profile("p"), 10), Credential(key, "http://127.0.0.1:9"), NOW_S)
    assert dict(sent.headers) == {"content-type": "application/json"} | expected


def test_a_model_that_names_no_wire_is_asked_on_the_first_where_a_provider_says_so() -> None:
    asked = {
        row: provider_row(row).speaking("anthropic_messages").wire for row in ("vertex", "bedrock", "custom/ollama")
    }
    assert asked == {"vertex": "gemini", "bedrock": "bedrock_converse", "custom/ollama": "openai_chat"}
    assert provider_row("custom/ollama").speaking("openai_chat", ("anthropic_messages",)).wire == "anthropic_messages"


@pytest.mark.parametrize("protocol", ["anthropic_messages", "another_wire"])
def test_a_claude_on_vertex_is_named_in_the_path_alone(protocol: str) -> None:
    body = b'{"model":"asked","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":false}'
    asked = replace(anthropic_messages.CLIENT.decode_request(body), protocol=protocol)
    provider = provider_row("vertex").speaking("anthropic_messages", ("anthropic_messages",))
    sent = provider.request(asked, Target("claude", Profile("p"), 10), Credential("t", None, {"project": "p"}), NOW_S)
    told = orjson.loads(sent.body)
    assert told["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in told
    assert dict(sent.headers)["authorization"] == "Bearer t"


def test_mistral_is_asked_in_its_own_spelling_on_the_callers_wire_too() -> None:
    told = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 7, "stream": True}
    asked = openai_chat.CLIENT.decode_request(orjson.dumps(told))
    expected = {name: value for name, value in told.items() if name != "seed"} | {"random_seed": 7}
    for each in (asked, replace(asked, protocol="another_wire")):
        sent = provider_row("mistral").request(each, Target("m", Profile("mistral"), 10), Credential("k"), NOW_S)
        assert orjson.loads(sent.body) == expected
    plain = replace(asked, stream=False, source=b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
    sent = provider_row("mistral").request(plain, Target("m", Profile("mistral"), 10), Credential("k"), NOW_S)
    assert sent.body == plain.source


def test_mantle_is_signed_in_its_own_name() -> None:
    keys = {"region": "us-east-1", "access_key_id": "a", "secret_access_key": "s"}
    scopes = {
        wire: dict(request("bedrock", keys, wire=wire).headers)["authorization"].split("/")[3]
        for wire in ("bedrock_converse", "openai_chat", "openai_responses")
    }
    assert scopes == {
        "bedrock_converse": "bedrock", "openai_chat": "bedrock-mantle", "openai_responses": "bedrock-mantle",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("region", "model", "asked_as"),
    [
        ("us-east-1", "us.anthropic.claude", "us.anthropic.claude"),
        ("ca-central-1", "us.anthropic.claude", "us.anthropic.claude"),
        ("us-gov-west-1", "us.anthropic.claude", "us-gov.anthropic.claude"),
        ("eu-central-1", "us.anthropic.claude", "eu.anthropic.claude"),
        ("ap-northeast-1", "us.anthropic.claude", "apac.anthropic.claude"),
        ("eu-central-1", "global.anthropic.claude", "global.anthropic.claude"),
        ("eu-central-1", "mistral.mistral-large", "mistral.mistral-large"),
    ],
)
def test_an_inference_profile_is_of_the_accounts_geography(region: str, model: str, asked_as: str) -> None:
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"")
    credential = Credential("k", "http://127.0.0.1:9", {"region": region})
    sent = PROVIDERS["bedrock"].request(asked, Target(model, Profile("p"), 10), credential, NOW_S)
    assert sent.url == f"http://127.0.0.1:9/model/{asked_as}/converse"


def test_an_inference_profiles_arn_is_one_segment_of_the_path() -> None:
    model = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-v1:0"
    asked = ChatRequest("another_wire", "asked", (Message("user", (Text("hi"),)),), b"")
    credential = Credential("k", "http://127.0.0.1:9")
    sent = PROVIDERS["bedrock"].request(asked, Target(model, Profile("p"), 10), credential, NOW_S)
    assert sent.url == (
        "http://127.0.0.1:9/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A012345678901%3Ainference-profile"
        "%2Fus.anthropic.claude-v1%3A0/converse"
    )


@pytest.mark.parametrize(
    ("row", "extra"),
    [
        ("bedrock", {}),
        ("bedrock", {"access_key_id": "a", "region": "r"}),
        ("azure", {}),
        (CUSTOM, {}),
        ("moonshot", {"region": "us-east-1"}),
    ],
)
def test_an_account_that_is_not_fully_configured_is_the_operators_fault(row: str, extra: Any) -> None:
    with pytest.raises(UpstreamError, match="not fully configured") as caught:
        request(row, extra)
    assert not caught.value.retryable

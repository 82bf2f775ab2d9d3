"""Tests that no request reaches, by an id, what a provider keeps in the operator's account."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.operations.provider_state import refuse_provider_state
from gateway.protocols.anthropic_messages.decode import decode_request as decode_messages
from gateway.protocols.gemini.decode import decode_request as decode_gemini
from gateway.protocols.gemini.encode import encode_request as encode_gemini
from gateway.protocols.openai_chat.decode import decode_request as decode_chat
from gateway.protocols.openai_chat.encode import encode_request as encode_chat
from gateway.protocols.openai_responses.decode import decode_request as decode_responses

Json = dict[str, Any]
PLAIN = Target("up", Profile("plain"), 4096)


def chat(*content: Json, **members: Any) -> tuple[Callable[[bytes], ChatRequest], Json]:
    return decode_chat, {"model": "m", "messages": [{"role": "user", "content": list(content) or "Hi"}], **members}


def responses(*items: Json, **members: Any) -> tuple[Callable[[bytes], ChatRequest], Json]:
    return decode_responses, {"model": "m", "input": list(items) or "Hi", **members}


def messages(*blocks: Json, **members: Any) -> tuple[Callable[[bytes], ChatRequest], Json]:
    said = [{"role": "user", "content": list(blocks) or "Hi"}]
    return decode_messages, {"model": "m", "max_tokens": 9, "messages": said, **members}


def gemini(*parts: Json, **members: Any) -> tuple[Callable[[bytes], ChatRequest], Json]:
    said = [{"role": "user", "parts": list(parts) or [{"text": "Hi"}]}]
    return decode_gemini, {"model": "m", "contents": said, **members}


FUNCTION_TOOL = {"type": "function", "name": "f", "parameters": {"properties": {"file_id": {"type": "string"}}}}
STORES = {"type": "file_search", "vector_store_ids": ["vs_1"]}
CONTAINED = {"type": "code_interpreter", "container": "cntr_1"}
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"file_id": "file_1"}}

ASKED = {"type": "mcp_approval_request", "id": "mcpr_nxn-1", "server_label": "s", "name": "f", "arguments": "{}"}
APPROVED = {"type": "mcp_approval_response", "approval_request_id": "mcpr_nxn-1", "approve": True}


def namespace(*tools: Json) -> Json:
    return {"type": "namespace", "name": "n", "tools": list(tools)}


def brought(*tools: Json, kind: str = "additional_tools") -> Json:
    """Returns an item of a conversation that brings tools."""
    return {"type": kind, "tools": list(tools)}


KEPT = ("https://generativelanguage.googleapis.com/v1beta/files/abc", "https://storage\u3002cloud.google.com/b/secret")


def addressed(url: str) -> list[tuple[Any, str]]:
    """Returns requests of every wire but Gemini's that hold an address, each with its place."""
    image: Json = {"type": "image", "source": {"type": "url", "url": url}}
    return [
        (chat({"type": "image_url", "image_url": {"url": url}}), "messages[0].content[0].image_url.url"),
        (chat({"type": "file", "file": {"file_data": url}}), "messages[0].content[0].file.file_data"),
        (
            responses({"role": "user", "content": [{"type": "input_image", "image_url": url}]}),
            "input[0].content[0].image_url",
        ),
        (
            responses({"role": "user", "content": [{"type": "input_file", "file_url": url}]}),
            "input[0].content[0].file_url",
        ),
        (
            responses(
                {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": url}]}
            ),
            "input[0].output[0].image_url",
        ),
        (messages(image), "messages[0].content[0].source.url"),
        (messages({**image, "type": "document"}), "messages[0].content[0].source.url"),
        (
            messages({"type": "tool_result", "tool_use_id": "t", "content": [image]}),
            "messages[0].content[0].content[0].source.url",
        ),
    ]


REFERENCES = [
    (chat({"type": "file", "file": {"file_id": "file-1"}}), "messages[0].content[0].file.file_id"),
    (chat(audio={"voice": {"id": "voice_1"}, "format": "mp3"}), "audio.voice.id"),
    (chat(thread_id="thread_1"), "thread_id"),
    (chat(data_sources=[{"type": "azure_search", "parameters": {"endpoint": "https://s.example"}}]), "data_sources"),
    (chat(extras=[{"storeUri": "gs://a/b"}]), "extras[0].storeUri"),
    (responses(prompt={"id": "pmpt_1"}), "prompt"),
    (
        responses({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}),
        "input[0].content[0].file_id",
    ),
    (
        responses({"role": "user", "content": [{"type": "input_image", "file_id": "file-1", "detail": "low"}]}),
        "input[0].content[0].file_id",
    ),
    (
        responses({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": "f"}]}),
        "input[0].output[0].file_id",
    ),
    (responses(tools=[STORES]), "tools[0].vector_store_ids"),
    (responses(tools=[CONTAINED]), "tools[0].container"),
    (responses(brought(FUNCTION_TOOL, STORES)), "input[0].tools[1].vector_store_ids"),
    (responses(brought(CONTAINED, kind="tool_search_output")), "input[0].tools[0].container"),
    (responses(session_id="s"), "session_id"),
    (messages(container="container_1"), "container"),
    (messages(container={"skills": [{"type": "custom", "skill_id": "skill_1"}]}), "container"),
    (
        messages({"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
        "messages[0].content[0].source.file_id",
    ),
    (
        messages(
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
            }
        ),
        "messages[0].content[0].content[0].source.file_id",
    ),
    (messages({"type": "container_upload", "file_id": "file_1"}), "messages[0].content[0].file_id"),
    (gemini(cachedContent="cachedContents/1"), "cachedContent"),
    (gemini(cached_content="cachedContents/1"), "cached_content"),
    (gemini(tools=[{"fileSearch": {"fileSearchStoreNames": ["s"]}}]), "tools[0].fileSearch"),
    (gemini(tools=[{"file_search": {"file_search_store_names": ["s"]}}]), "tools[0].file_search"),
    (gemini(tools=[{"retrieval": {"vertexAiSearch": {"datastore": "d"}}}]), "tools[0].retrieval"),
    (gemini(modelArmorConfig={"promptTemplateName": "projects/p"}), "modelArmorConfig"),
    *(
        (gemini({"fileData": {"fileUri": uri, "mimeType": "image/png"}}), "contents[0].parts[0].fileData.fileUri")
        for uri in (
            "gs://bucket/secret.png",
            "files/abc",
            "https://generativelanguage.googleapis.com/v1beta/files/abc",
            "HTTPS://me@GenerativeLanguage.googleapis.com.:443/v1beta/files/abc",
            "https://us-central1-aiplatform.googleapis.com/v1/x",
            "https://storage.cloud.google.com/bucket/secret.png",
            "https://generativelanguage\u3002googleapis\u3002com/v1beta/files/abc",
            "https://generativelanguage\uff0egoogleapis\uff61com/v1beta/files/abc",
            "https://generative\u00adlanguage.googleapis.com/v1beta/files/abc",
            "https://\uff47enerativelanguage.googleapis.com\u3002/v1beta/files/abc",
            "https://generativelanguage%2Egoogleapis.com/v1beta/files/abc",
            "https://generativelanguage.googleapis.com\\@example.com/v1beta/files/abc",
            "https:generativelanguage.googleapis.com/v1beta/files/abc",
            "https://\u2024/",
            "https://[broken/",
            "https:///files/abc",
            "ftp://example.com/a.png",
        )
    ),
    (
        gemini({"file_data": {"file_uri": "gs://b/c", "mime_type": "image/png"}}),
        "contents[0].parts[0].file_data.file_uri",
    ),
    *(
        (chat(**{name: "x_1"}), name)
        for name in (
            *(
                "prompt",
                "conversation",
                "container",
                "cached_content",
                "cachedContent",
                "vector_store",
                "vector_stores",
            ),
            *(
                "skills",
                "files",
                "input_file",
                "thread",
                "assistant",
                "fileID",
                "FILE_ID",
                "file-id",
                "fileids",
                "file_ref",
            ),
        )
    ),
    (chat(extra_body={"google": {"cached_content": "cachedContents/1"}}), "extra_body.google.cached_content"),
    (chat({"type": "text", "text": "Hi", "file": "file-1"}), "messages[0].content[0].file"),
    (
        chat({"type": "text", "text": "Hi", "attachments": [{"id": "file-1"}]}),
        "messages[0].content[0].attachments[0].id",
    ),
    (responses(skills=["a"]), "skills"),
    (responses(extra={"id": "pmpt_1"}), "extra.id"),
    (responses(text={"file_id": "f"}), "text.file_id"),
    (responses({"type": "image_generation_call", "id": "ig_1"}), "input[0].id"),
    (responses({"type": "image_generation_call", "id": "ig_1", "result": None}), "input[0].id"),
    (responses(APPROVED), "input[0].approval_request_id"),
    (responses(ASKED | {"id": "mcpr_nxn-other"}, APPROVED), "input[1].approval_request_id"),
    (responses(ASKED | {"id": ["mcpr_nxn-1"]}, APPROVED), "input[1].approval_request_id"),
    (responses(ASKED | {"id": None}, APPROVED | {"approval_request_id": None}), "input[1].approval_request_id"),
    (responses(ASKED, APPROVED | {"approval_request_id": ["mcpr_nxn-1"]}), "input[1].approval_request_id"),
    *((asked, path) for uri in KEPT for asked, path in addressed(uri)),
    (gemini(systemInstruction={"parts": [{"text": "Hi"}], "sourceUri": "x"}), "systemInstruction.sourceUri"),
]

OWN = [
    responses(ASKED, APPROVED),
    chat(tools=[{"type": "function", "function": {"name": "f", "parameters": FUNCTION_TOOL["parameters"]}}]),
    chat(metadata={"user_id": "u"}),
    *(
        asked(models=["b"], provider={"only": ["openai"]}, max_price={"prompt": "1"})
        for asked in (chat, responses, messages, gemini)
    ),
    chat({"type": "image_url", "image_url": {"url": "https://example.com/a.png?file_id=1"}}),
    responses(tools=[FUNCTION_TOOL], metadata={"thread_id": "t"}, previous_response_id="resp_1"),
    responses({"type": "function_call_output", "call_id": "c", "output": "file_id"}),
    responses(brought(FUNCTION_TOOL, namespace(FUNCTION_TOOL)), tools=[namespace(FUNCTION_TOOL)]),
    responses(brought({"name": "f", "input_schema": FUNCTION_TOOL["parameters"]}, kind="mcp_list_tools")),
    messages(tools=[{"name": "f", "input_schema": FUNCTION_TOOL["parameters"]}], metadata={"user_id": "u"}),
    messages({"type": "tool_result", "tool_use_id": "toolu_1", "content": "file_id"}),
    *(asked for asked, _ in addressed("https://b\u00fccher.example/a.png")),
    *(asked for asked, _ in addressed("http://storage.googleapis.com/public/a.png")),
    chat({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}),
    responses({"role": "user", "content": [{"type": "input_file", "file_data": "JVBERi0="}]}),
    gemini({"fileData": {"fileUri": "https://www.youtube.com/watch?v=1", "mimeType": "video/mp4"}}),
    gemini({"fileData": {"fileUri": "https://storage.googleapis.com/public/a.png", "mimeType": "image/png"}}),
    gemini({"functionCall": {"name": "f", "args": {"fileUri": "gs://a/b", "file_id": "1"}}}),
    gemini({"functionResponse": {"name": "f", "response": {"fileUri": "gs://a/b"}}}),
    gemini(
        generationConfig={"responseMimeType": "application/json", "responseSchema": {"properties": {"file_id": {}}}}
    ),
]


def decoded(asked: tuple[Callable[[bytes], ChatRequest], Mapping[str, Any]]) -> ChatRequest:
    decode, body = asked
    return decode(orjson.dumps(body))


@pytest.mark.parametrize(("asked", "path"), REFERENCES)
def test_what_a_provider_keeps_is_refused_by_the_members_name(asked: Any, path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        refuse_provider_state(decoded(asked))
    assert (refused.value.param, f"'{path}'" in refused.value.message) == (path, True)


@pytest.mark.parametrize("asked", OWN)
def test_names_within_the_callers_own_data_are_not_judged(asked: Any) -> None:
    refuse_provider_state(decoded(asked))


def test_a_replayed_call_may_have_any_arguments() -> None:
    decode, body = messages()
    body["messages"] += [{"role": "assistant", "content": [TOOL_USE]}, {"role": "user", "content": "Go on"}]
    refuse_provider_state(decode(orjson.dumps(body)))


def test_a_spoken_answer_is_not_taken_up_by_its_id() -> None:
    decode, body = chat()
    body["messages"].append({"role": "assistant", "audio": {"id": "audio_1"}})
    assert decode(orjson.dumps(body)).provider_state == "messages[1].audio"


@pytest.mark.parametrize(
    ("asked", "encode", "target", "absent"),
    [
        (chat(store=True), encode_chat, PLAIN, {"store"}),
        (gemini(store=True), encode_gemini, PLAIN, {"store"}),
    ],
)
def test_nothing_is_stored_at_a_provider(
    asked: Any, encode: Callable[[ChatRequest, Target], bytes], target: Target, absent: set[str]
) -> None:
    sent = orjson.loads(encode(decoded(asked), target))
    assert absent.isdisjoint(sent)
    assert ("contents" in sent) or ("messages" in sent)


@pytest.mark.parametrize("member", ["serviceTier", "service_tier"])
@pytest.mark.parametrize("tier", ["PRIORITY", "priority", "fast"])
def test_a_tier_without_a_price_is_refused_by_the_members_name(member: str, tier: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decoded(gemini(**{member: tier}))
    assert (refused.value.param, refused.value.code) == (member, "unsupported_value")


def test_a_cheaper_tier_is_asked_for() -> None:
    assert orjson.loads(encode_gemini(decoded(gemini(serviceTier="flex")), PLAIN))["serviceTier"] == "flex"

"""Tests of where the chat wires name uploaded files, and of what stands there once the files do."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec
from gateway.canonical.parts import Audio, Document, Image, InlineMedia, Part, all_parts, input_kind
from gateway.protocols import anthropic_messages, openai_chat, openai_completions, openai_responses
from gateway.protocols.gemini.address import parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.shared.files import FileMembers, places, put

FILE = "file-nxn-01m7ydax8g00000000"
URL = f"https://bucket.example/uploads/acc/{FILE}?X-Amz-Signature=1"
DATA = "aGVsbG8="
PICTURE, PAPER = InlineMedia(DATA, "image/png"), InlineMedia(DATA, "application/pdf")
SPEECH, NOTES = InlineMedia(DATA, "audio/wav"), InlineMedia(DATA, "text/plain")
ASKED = {"model": "m", "max_tokens": 10}


def chat(part: dict[str, Any]) -> dict[str, Any]:
    return {**ASKED, "messages": [{"role": "user", "content": [{"type": "text", "text": FILE}, part]}]}


def responses(part: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": FILE}, part]}]}


def gemini(part: dict[str, Any]) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": FILE}, part]}]}


CHAT, RESPONSES, MESSAGES = openai_chat.CLIENT, openai_responses.CLIENT, anthropic_messages.CLIENT
GEMINI = GeminiClient(parse_address("/v1beta/models/m:generateContent", {}))
IN_CHAT, IN_RESPONSES = "messages[0].content[1]", "input[0].content[1]"
IN_GEMINI = "contents[0].parts[1]"
# The wire, a request, the path of the name, the file, and the part with the file itself.
CASES: dict[str, tuple[ClientCodec, dict[str, Any], str, InlineMedia, dict[str, Any]]] = {
    "chat image": (
        CHAT,
        chat({"type": "image_url", "image_url": {"url": FILE, "detail": "low"}}),
        f"{IN_CHAT}.image_url.url",
        PICTURE,
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}", "detail": "low"}},
    ),
    "chat image by our url": (
        CHAT,
        chat({"type": "image_url", "image_url": {"url": URL}}),
        f"{IN_CHAT}.image_url.url",
        PICTURE,
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
    ),
    "chat file": (
        CHAT,
        chat({"type": "file", "file": {"file_id": FILE}, "cache_control": {"type": "ephemeral"}}),
        f"{IN_CHAT}.file.file_id",
        PAPER,
        {
            "type": "file",
            "file": {"filename": "file.x", "file_data": f"data:application/pdf;base64,{DATA}"},
            "cache_control": {"type": "ephemeral"},
        },
    ),
    "chat file with its name": (
        CHAT,
        chat({"type": "file", "file": {"file_id": FILE, "filename": "paper.pdf"}}),
        f"{IN_CHAT}.file.file_id",
        PAPER,
        {"type": "file", "file": {"filename": "paper.pdf", "file_data": f"data:application/pdf;base64,{DATA}"}},
    ),
    "chat file that is sound": (
        CHAT,
        chat({"type": "file", "file": {"file_id": FILE}}),
        f"{IN_CHAT}.file.file_id",
        SPEECH,
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
    ),
    "chat file that is a picture": (
        CHAT,
        chat({"type": "file", "file": {"file_id": FILE}}),
        f"{IN_CHAT}.file.file_id",
        PICTURE,
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
    ),
    "responses image": (
        RESPONSES,
        responses({"type": "input_image", "file_id": FILE, "detail": "high"}),
        f"{IN_RESPONSES}.file_id",
        PICTURE,
        {"type": "input_image", "image_url": f"data:image/png;base64,{DATA}", "detail": "high"},
    ),
    "responses file": (
        RESPONSES,
        responses({"type": "input_file", "file_id": FILE}),
        f"{IN_RESPONSES}.file_id",
        PAPER,
        {"type": "input_file", "filename": "file.x", "file_data": f"data:application/pdf;base64,{DATA}"},
    ),
    "responses file by our url": (
        RESPONSES,
        responses({"type": "input_file", "file_url": URL}),
        f"{IN_RESPONSES}.file_url",
        PAPER,
        {"type": "input_file", "filename": "file.x", "file_data": f"data:application/pdf;base64,{DATA}"},
    ),
    "messages image": (
        MESSAGES,
        chat({"type": "image", "source": {"type": "file", "file_id": FILE}}),
        f"{IN_CHAT}.source.file_id",
        PICTURE,
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
    ),
    "messages document": (
        MESSAGES,
        chat({"type": "document", "source": {"type": "file", "file_id": FILE}, "title": "Paper"}),
        f"{IN_CHAT}.source.file_id",
        PAPER,
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            "title": "Paper",
        },
    ),
    "messages document that is text": (
        MESSAGES,
        chat({"type": "document", "source": {"type": "url", "url": URL}}),
        f"{IN_CHAT}.source.url",
        NOTES,
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
    ),
    "gemini file": (
        GEMINI,
        gemini({"fileData": {"mimeType": "application/pdf", "fileUri": FILE}}),
        f"{IN_GEMINI}.fileData.fileUri",
        PAPER,
        {"inlineData": {"mimeType": "application/pdf", "data": DATA}},
    ),
    "gemini file as python writes it": (
        GEMINI,
        gemini({"file_data": {"file_uri": FILE}}),
        f"{IN_GEMINI}.file_data.file_uri",
        SPEECH,
        {"inlineData": {"mimeType": "audio/wav", "data": DATA}},
    ),
}


def members_of(wire: ClientCodec) -> FileMembers:
    members = wire.file_members()
    assert isinstance(members, FileMembers)
    return members


def media_of(wire: ClientCodec, document: dict[str, Any]) -> list[Part]:
    decoded = wire.decode_request(orjson.dumps(document))
    return [part for part in all_parts(decoded.messages) if isinstance(part, Image | Document | Audio)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_file_stands_in_the_place_of_its_name(
    case: tuple[ClientCodec, dict[str, Any], str, InlineMedia, dict[str, Any]],
) -> None:
    wire, asked, param, media, part = case
    document = orjson.loads(orjson.dumps(asked))
    members = members_of(wire)
    (place,) = places(document, members)
    assert (place.param, place.name.given) in {(param, FILE), (param, URL)}
    put(place, members, media, "file.x")
    assert place.part == part
    assert places(document, members) == []
    (found,) = media_of(wire, document)
    source = getattr(found, "source", None)
    assert isinstance(source, InlineMedia)
    assert base64.b64decode(source.data_base64) == b"hello"
    assert source.media_type == media.media_type


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_named_file_is_no_provider_s_and_of_no_kind_until_it_is_read(
    case: tuple[ClientCodec, dict[str, Any], str, InlineMedia, dict[str, Any]],
) -> None:
    wire, asked, _, _, _ = case
    assert wire.decode_request(orjson.dumps(asked)).provider_state is None
    if FILE in orjson.dumps(asked).decode().replace(URL, "") and wire is not GEMINI:
        assert [input_kind(part) for part in media_of(wire, asked) if URL not in str(part)] in ([None], [])


@pytest.mark.parametrize(
    ("wire", "asked"),
    [
        (CHAT, chat({"type": "file", "file": {"file_id": "file-abc123"}})),
        (RESPONSES, responses({"type": "input_file", "file_id": "file-abc123"})),
        (MESSAGES, chat({"type": "document", "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}})),
        (MESSAGES, chat({"type": "container_upload", "file_id": FILE})),
        (RESPONSES, {**responses({"type": "input_text", "text": "x"}), "prompt": {"id": FILE}}),
    ],
)
def test_what_a_vendor_keeps_is_still_the_vendor_s(wire: ClientCodec, asked: dict[str, Any]) -> None:
    assert places(asked, members_of(wire)) == []
    assert wire.decode_request(orjson.dumps(asked)).provider_state is not None


@pytest.mark.parametrize(
    ("wire", "asked"),
    [
        (
            CHAT,
            {
                "model": "m",
                "messages": [
                    {"role": "user", "content": FILE},
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "1", "type": "function", "function": {"name": "f", "arguments": f'{{"a":"{FILE}"}}'}}
                        ],
                    },
                ],
                "metadata": {"file": FILE},
            },
        ),
        (
            MESSAGES,
            {
                **ASKED,
                "messages": [
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "type": "tool_use",
                                "id": "1",
                                "name": "f",
                                "input": {"type": "image", "source": {"type": "file", "file_id": FILE}},
                            }
                        ],
                    }
                ],
            },
        ),
        (
            GEMINI,
            {
                "contents": [
                    {"parts": [{"functionResponse": {"name": "f", "response": {"fileData": {"fileUri": FILE}}}}]}
                ]
            },
        ),
    ],
)
def test_an_id_in_the_caller_s_own_data_names_no_file(wire: ClientCodec, asked: dict[str, Any]) -> None:
    assert places(asked, members_of(wire)) == []


def test_a_file_in_a_tool_s_result_is_found() -> None:
    picture = {"type": "image", "source": {"type": "file", "file_id": FILE}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [picture]}
    (place,) = places({"messages": [{"role": "user", "content": [result]}]}, members_of(MESSAGES))
    assert place.param == "messages[0].content[0].content[0].source.file_id"


def test_legacy_completions_name_no_files() -> None:
    assert openai_completions.CLIENT.file_members() is None

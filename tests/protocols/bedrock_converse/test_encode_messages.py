"""Tests of conversations for Converse: turns, blocks, media and cache points, each checked by AWS's service model."""

from typing import Any

import orjson
import pytest

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Citation,
    Document,
    Image,
    InlineMedia,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.canonical.request import ChatRequest, Tool
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols.bedrock_converse import UPSTREAM
from tests.protocols.bedrock_converse.service_model import assert_fits

WIRE = "bedrock_converse"
PLAIN = Target("p", Profile("plain"), 4096)
CLAUDE = Target("c", Profile("c", thinking="budget", hosted_as="claude"), 64_000)
NOVA = Target("n", Profile("n", hosted_as="nova"), 5000)
PNG = InlineMedia("iVBORw==", "image/png")
PDF = InlineMedia("JVBERg==", "application/pdf")
FIVE, HOUR = CacheLifetime.FIVE_MINUTES, CacheLifetime.ONE_HOUR
POINT = {"cachePoint": {"type": "default"}}
POINT_1H = {"cachePoint": {"type": "default", "ttl": "1h"}}
HI = Message("user", (Text("hi"),))


def body(*messages: Message, target: Target = CLAUDE, tools: tuple[Tool, ...] = ()) -> dict[str, Any]:
    request = ChatRequest("openai_chat", "asked", messages, b"", tools=tools)
    built: dict[str, Any] = orjson.loads(UPSTREAM.encode_request(request, target))
    assert_fits(built)
    return built


def turns(*messages: Message, target: Target = CLAUDE) -> Any:
    return body(*messages, target=target)["messages"]


def content(*parts: Part, target: Target = CLAUDE) -> Any:
    (turn,) = turns(Message("user", parts), target=target)
    return turn["content"]


def refused(*parts: Part) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        content(*parts)
    return caught.value.param


def test_instructions_go_to_system_from_any_place() -> None:
    built = body(
        Message("system", (Text("a"),)),
        HI,
        Message("assistant", (Text("yo"),)),
        Message("system", (Text("b"),)),
    )
    assert built["system"] == [{"text": "a"}, {"text": "b"}]
    assert [turn["role"] for turn in built["messages"]] == ["user", "assistant"]


def test_an_instruction_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        body(Message("system", (Image(PNG),)), HI)
    assert caught.value.param == "messages[0].content[0]"


def test_neighbours_of_one_role_are_one_turn() -> None:
    assert turns(
        HI,
        Message("assistant", (ToolCall("c1", "f", '{"a": 1.0}'), ToolCall("c2", "g", ""))),
        Message("tool", (ToolResult("c1", (Text("one"),)),)),
        Message("tool", (ToolResult("c2", ()),)),
        Message("user", (Text("and?"),), name="ann"),
    ) == [
        {"role": "user", "content": [{"text": "hi"}]},
        {
            "role": "assistant",
            "content": [
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1.0}}},
                {"toolUse": {"toolUseId": "c2", "name": "g", "input": {}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "one"}]}},
                {"toolResult": {"toolUseId": "c2", "content": []}},
                {"text": "and?"},
            ],
        },
    ]


def test_a_refusal_was_said_as_text() -> None:
    assert turns(HI, Message("assistant", (Refusal("no"),)))[1]["content"] == [{"text": "no"}]


def test_sources_and_other_wires_signatures_of_a_text_stay_here() -> None:
    text = Text("x", citations=(Citation(WIRE, "{}"),), signature="gemini's")
    assert content(text) == [{"text": "x"}]


# Reasoning


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Thinking("t", "s+/=", WIRE), [{"reasoningContent": {"reasoningText": {"text": "t", "signature": "s+/="}}}]),
        (RedactedThinking("cmVk", WIRE), [{"reasoningContent": {"redactedContent": "cmVk"}}]),
        (Thinking("t"), []),
        (Thinking("t", "s", None), []),
        (Thinking("t", "s", "anthropic_messages"), []),
        (RedactedThinking("cmVk", "openai_responses"), []),
    ],
)
def test_a_thought_goes_back_only_to_the_wire_that_signed_it(part: Part, expected: list[Any]) -> None:
    assert turns(HI, Message("assistant", (part, Text("x"))))[1]["content"] == [*expected, {"text": "x"}]


def test_a_model_that_does_not_think_is_sent_no_thought() -> None:
    said = Message("assistant", (Thinking("t", "s", WIRE), Text("x")))
    assert turns(HI, said, target=PLAIN)[1]["content"] == [{"text": "x"}]


# Calls and results


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "{}"),
        ('{"n": 12345678901234567890123, "f": 1.50}', '{"n": 12345678901234567890123, "f": 1.50}'),
        ('{"a": ', r'{"INVALID_JSON":"{\"a\": "}'),
        ("[1]", '{"INVALID_JSON":"[1]"}'),
    ],
)
def test_a_calls_arguments_are_an_object_as_it_was_written(arguments: str, expected: str) -> None:
    request = ChatRequest("x", "m", (HI, Message("assistant", (ToolCall("c", "f", arguments),))), b"")
    assert f'"input":{expected}}}' in UPSTREAM.encode_request(request, CLAUDE).decode()


def test_a_free_text_call_has_its_text_under_a_name() -> None:
    said = Message("assistant", (ToolCall("c", "sql", "SELECT 1", custom=True),))
    assert turns(HI, said)[1]["content"][0]["toolUse"]["input"] == {"input": "SELECT 1"}


def test_a_result_holds_texts_blank_or_not_and_media() -> None:
    (block,) = content(ToolResult("c", (Text(""), Image(PNG), Document(PDF))))
    assert block["toolResult"]["content"] == [
        {"text": ""},
        {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}},
        {"document": {"format": "pdf", "name": "document", "source": {"bytes": "JVBERg=="}}},
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (CLAUDE, {"toolUseId": "c", "content": [{"text": "x"}], "status": "error"}),
        (PLAIN, {"toolUseId": "c", "content": [{"text": "Error:"}, {"text": "x"}]}),
    ],
)
def test_a_failed_result_says_so(target: Target, expected: Any) -> None:
    assert content(ToolResult("c", (Text("x"),), is_error=True), target=target) == [{"toolResult": expected}]


# Cache points


@pytest.mark.parametrize(("lifetime", "point"), [(FIVE, POINT), (HOUR, POINT_1H)])
@pytest.mark.parametrize(
    "part",
    [
        lambda cache: Text("x", cache=cache),
        lambda cache: Image(PNG, cache=cache),
        lambda cache: Document(PDF, cache=cache),
        lambda cache: ToolResult("c", (Text("x"),), cache=cache),
        lambda cache: ToolResult("c", (Text("x", cache=FIVE), Text("y", cache=cache))),
    ],
)
def test_a_marker_is_a_block_behind_the_block_it_marks(part: Any, lifetime: CacheLifetime, point: Any) -> None:
    marked, behind, after = content(part(lifetime), Text("after"))
    assert "cachePoint" not in orjson.dumps(marked).decode()
    assert (behind, after) == (point, {"text": "after"})


def test_markers_stand_in_every_place_that_has_one() -> None:
    built = body(
        Message("system", (Text("s", cache=HOUR),)),
        HI,
        Message("assistant", (Text("t", cache=FIVE), ToolCall("c", "f", "{}", cache=FIVE))),
        Message("tool", (ToolResult("c", ()),)),
        tools=(Tool("f", cache=HOUR), Tool("g")),
    )
    assert built["system"] == [{"text": "s"}, POINT_1H]
    assert [list(block) for block in built["messages"][1]["content"]] == [
        ["text"],
        ["cachePoint"],
        ["toolUse"],
        ["cachePoint"],
    ]
    assert [list(tool) for tool in built["toolConfig"]["tools"]] == [["toolSpec"], ["cachePoint"], ["toolSpec"]]
    assert built["toolConfig"]["tools"][1] == POINT_1H


def test_a_model_that_caches_nothing_is_sent_no_marker() -> None:
    assert content(Text("x", cache=HOUR), target=PLAIN) == [{"text": "x"}]


def test_a_model_without_lifetimes_is_sent_none_and_none_among_its_tools() -> None:
    built = body(Message("user", (Text("x", cache=HOUR),)), target=NOVA, tools=(Tool("f", cache=HOUR),))
    assert built["messages"][0]["content"] == [{"text": "x"}, POINT]
    assert len(built["toolConfig"]["tools"]) == 1


# Media


@pytest.mark.parametrize(
    ("media_type", "form"),
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("IMAGE/GIF", "gif"), ("image/webp", "webp")],
)
def test_an_image_has_a_format(media_type: str, form: str) -> None:
    assert content(Image(InlineMedia("AAAA", media_type), detail="high")) == [
        {"image": {"format": form, "source": {"bytes": "AAAA"}}}
    ]


@pytest.mark.parametrize(
    ("media_type", "form"),
    [
        ("application/pdf", "pdf"),
        ("text/plain; charset=utf-8", "txt"),
        ("text/markdown", "md"),
        ("text/x-python", "txt"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ],
)
def test_a_document_has_a_format(media_type: str, form: str) -> None:
    (block,) = content(Document(InlineMedia("AAAA", media_type)))
    assert block["document"]["format"] == form


@pytest.mark.parametrize(
    ("media_type", "kind", "form"),
    [("audio/mpeg", "audio", "mp3"), ("audio/wav", "audio", "wav"), ("video/mp4", "video", "mp4")],
)
def test_sounds_and_videos_have_blocks_of_their_own(media_type: str, kind: str, form: str) -> None:
    assert content(Audio(InlineMedia("AAAA", media_type))) == [{kind: {"format": form, "source": {"bytes": "AAAA"}}}]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([None, None, None], ["document", "document 2", "document 3"]),
        (["report.pdf", "Report.docx"], ["report", "Report 2"]),
        (["John's q3_report  (v1.2).pdf"], ["John s q3 report (v1 2)"]),
        (["분기보고서.pdf"], ["document"]),
        (["x" * 300], ["x" * 190]),
    ],
)
def test_documents_have_names_that_the_wire_takes_and_none_twice(given: list[str | None], names: list[str]) -> None:
    blocks = content(*(Document(PDF, name=name) for name in given))
    assert [block["document"]["name"] for block in blocks] == names


def test_a_name_is_taken_over_the_whole_conversation() -> None:
    first, second = Message("user", (Document(PDF),)), Message("tool", (ToolResult("c", (Document(PDF),)),))
    said = Message("assistant", (ToolCall("c", "f", "{}"),))
    answered = turns(first, said, second)[2]["content"][0]["toolResult"]["content"]
    assert answered[0]["document"]["name"] == "document 2"


@pytest.mark.parametrize(
    "part",
    [
        Image(RemoteMedia("https://pictures.example/x.png")),
        Document(RemoteMedia("s3://another/account.pdf", "application/pdf")),
        Document(UploadedMedia("file-1")),
        Image(InlineMedia("AAAA", "image/tiff")),
        Audio(InlineMedia("AAAA", "audio/x-midi")),
        Document(InlineMedia("AAAA", "application/zip")),
        Opaque("anthropic_messages", "{}"),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_by_its_place(part: Part) -> None:
    assert refused(Text("x"), part) == "messages[0].content[1]"


def test_a_block_of_this_wire_goes_back_as_it_came() -> None:
    assert content(Opaque(WIRE, '{"guardContent":{"text":{"text":"x"}}}')) == [
        {"guardContent": {"text": {"text": "x"}}}
    ]

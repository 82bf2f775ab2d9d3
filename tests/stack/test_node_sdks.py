"""Tests of the vendors' SDKs for Node.js, unmodified: each script asks one model of each provider."""

import base64
import functools
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from PIL import Image

from local.providers import drawing, sounds, tokens, transcription, vectors
from tests.environments import node_with, run
from tests.stack.conftest import Stack

MODELS = ["gpt-4o", "claude-haiku-4-5", "aws/claude-haiku-4-5", "gemini-2.5-flash", "deepseek-chat"]

Seen = Callable[[str], dict[str, Any]]


class Wire(NamedTuple):
    """The values in which a script's SDK reports ends and failures."""

    id_prefix: str
    ended: str
    broken_provider: str
    broken_stream: str


WIRES = {
    "chat": Wire("chatcmpl-nxn-", "stop", "InternalServerError 502", "APIError"),
    "responses": Wire("resp_nxn-", "completed", "InternalServerError 502", "APIError"),
    "messages": Wire("msg_nxn-", "end_turn", "InternalServerError 502", "APIError"),
    "gemini": Wire("nxn-", "STOP", "ApiError 502", "ApiError"),
}

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
each_wire = pytest.mark.parametrize("wire", WIRES)
each_model = pytest.mark.parametrize("model", MODELS)


@pytest.fixture(scope="module")
def seen(stack: Stack) -> Seen:
    """Runs the scripts on first use and returns their reports."""
    place = node_with("node-clients", Path(__file__).parent / "node")

    @functools.cache
    def of(script: str) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(
            run(["node", f"{script}.mjs", stack.root_url, stack.api_key, *MODELS], place)
        )
        return told

    return of


@each_wire
@each_model
def test_a_stream_says_and_counts_the_same_as_an_answer(seen: Seen, wire: str, model: str) -> None:
    told = seen(wire)["models"][model]
    assert told["id"].startswith(WIRES[wire].id_prefix)
    assert (told["model"], told["ended"]) == (model, WIRES[wire].ended)
    assert told["text"]
    assert told["streamed"] == told["text"]
    assert told["streamed_tokens"] == told["tokens"] > 0


@each_wire
@each_model
def test_a_tool_loop_completes(seen: Seen, wire: str, model: str) -> None:
    told = seen(wire)["models"][model]
    assert (told["tool"], told["arguments"]) == ("get_weather", {"city": "Tokyo"})
    assert "sunny" in told["answer"]


@each_wire
@each_model
def test_a_failing_provider_raises_and_a_broken_stream_does_not_end_cleanly(seen: Seen, wire: str, model: str) -> None:
    told = seen(wire)["models"][model]
    assert told["broken_provider"] == WIRES[wire].broken_provider
    assert told["broken_stream"].startswith(WIRES[wire].broken_stream)


@pytest.mark.parametrize("wire", ["messages", "gemini"])
@each_model
def test_a_prompt_is_counted(seen: Seen, wire: str, model: str) -> None:
    assert seen(wire)["models"][model]["counted"] > 0


@each_model
def test_a_stored_response_is_there_to_retrieve(seen: Seen, model: str) -> None:
    told = seen("responses")["models"][model]
    assert told["kept"] == told["answer"]


@each_model
def test_anthropics_tool_runner_goes_on_without_the_thread_that_it_asked_for(seen: Seen, model: str) -> None:
    assert "foggy" in seen("messages")["models"][model]["ran"]


@each_wire
def test_structured_output_fits_its_schema(seen: Seen, wire: str) -> None:
    assert seen(wire)["structured"] == {"name": "name", "age": 1}


@pytest.mark.parametrize(
    ("wire", "failure", "raised"),
    [
        ("chat", "not_found", "NotFoundError 404"),
        ("chat", "bad_request", "BadRequestError 400"),
        ("chat", "stranger", "AuthenticationError 401"),
        ("responses", "not_found", "NotFoundError 404"),
        ("responses", "bad_request", "BadRequestError 400"),
        ("responses", "unknown_turn", "BadRequestError 400"),
        ("messages", "not_found", "NotFoundError 404"),
        ("messages", "bad_request", "BadRequestError 400"),
        ("messages", "stranger", "AuthenticationError 401"),
        ("gemini", "not_found", "ApiError 404"),
        ("gemini", "bad_request", "ApiError 400"),
        ("gemini", "stranger", "ApiError 401"),
    ],
)
def test_a_refusal_is_the_sdks_own_error(seen: Seen, wire: str, failure: str, raised: str) -> None:
    assert seen(wire)[failure] == raised


def test_anthropics_error_carries_the_id_of_the_request(seen: Seen) -> None:
    assert seen("messages")["request_id"]


@pytest.mark.parametrize(
    ("wire", "told", "parts"),
    [
        ("responses", "items", ["reasoning", "message"]),
        ("messages", "blocks", ["thinking", "text"]),
        ("gemini", "thoughts", [True, False]),
    ],
)
def test_thinking_is_apart_from_the_text(seen: Seen, wire: str, told: str, parts: list[Any]) -> None:
    assert seen(wire)[told] == parts


def test_streamed_thinking_is_signed(seen: Seen) -> None:
    assert seen("messages")["signed"] is True


@pytest.mark.parametrize(("wire", "prefix"), [("chat", ""), ("messages", ""), ("gemini", "models/")])
def test_the_list_of_models_has_every_provider(seen: Seen, wire: str, prefix: str) -> None:
    assert {prefix + model for model in MODELS} <= set(seen(wire)["listed"])


@each_model
def test_a_conversation_is_made_gone_on_from_and_deleted(seen: Seen, model: str) -> None:
    assert seen("conversations")["models"][model] == {
        "conversation": True,
        "roles": ["user", "user", "assistant", "user"],
        "found": "Thanks.",
        "left": 3,
        "metadata": {"topic": "x"},
        "object": "conversation",
        "deleted": True,
        "gone": "NotFoundError 404",
    }


@each_model
def test_a_file_is_kept_read_by_the_model_and_deleted(seen: Seen, model: str) -> None:
    told = seen("files")["models"][model]
    assert told.pop("answer")
    assert told == {
        "name": "notes.md",
        "found": True,
        "listed": True,
        "text": "# Notes\n",
        "deleted": True,
        "gone": "NotFoundError 404",
    }


def test_vercels_sdk_embeds_one_text_and_many(stack: Stack) -> None:
    place = node_with("node-clients", Path(__file__).parent / "node")
    model = "text-embedding-3-small"
    told = orjson.loads(run(["node", "vercel.mjs", stack.root_url, stack.api_key, model], place))
    assert told["not_found"].endswith(" 404")
    seen = told["models"][model]
    assert seen["vectors"] == [vectors.numbers(model, f"sunny day {number}", 1536) for number in range(5)]
    assert seen["alike"] == pytest.approx(1.0)
    assert (seen["short"], seen["tokens"]) == (256, sum(tokens.count(f"sunny day {number}") for number in range(5)))


def test_vercels_sdk_makes_and_edits_pictures(stack: Stack) -> None:
    place = node_with("node-clients", Path(__file__).parent / "node")
    models = ["gpt-image-1", "dall-e-3", "nexevo/image-fast"]
    fox = base64.b64encode(drawing.drawn("a red fox", 64, 64)).decode()
    told = orjson.loads(run(["node", "vercel_images.mjs", stack.root_url, stack.api_key, *models], place, PICTURE=fox))
    for name in models:
        seen = told["models"][name]
        assert [(picture_of(one), one["type"]) for one in seen["made"]] == [("PNG", "image/png")] * 2
        assert seen["warnings"] == 0
    assert [picture_of(one) for one in told["edited"]] == ["PNG"]
    assert told["refused"].endswith(" 400")


def test_vercels_sdk_speaks_and_writes_down_what_it_hears(stack: Stack) -> None:
    place = node_with("node-clients", Path(__file__).parent / "node")
    text = "The sun rises in the east."
    file = sounds.whole("opus", text, 7.3)
    spoken, listening = ["tts-1", "gpt-4o-mini-tts"], ["whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize"]
    asked = ["node", "vercel_audio.mjs", stack.root_url, stack.api_key, *spoken, *listening]
    told = orjson.loads(run(asked, place, TEXT=text, SOUND=base64.b64encode(file).decode()))
    length_s = sounds.seconds(text)
    for name in spoken:
        seen = told["models"][name]
        assert base64.b64decode(seen["said"]) == sounds.whole("mp3", text, length_s)
        assert (seen["type"], seen["warnings"]) == ("audio/mpeg", 0)
        assert base64.b64decode(seen["wave"]) == b"".join(sounds.frames("wav", text, length_s))
    said = transcription.heard(file, transcription.seconds(file, "audio.ogg"))
    for name in listening:
        assert told["models"][name]["heard"] == " ".join(each.text for each in said)
    whisper = told["models"]["whisper-1"]
    assert [each["startSecond"] for each in whisper["segments"]] == [each.start for each in said]
    assert whisper["seconds"] == pytest.approx(7.3, abs=0.1)
    assert (told["mute"][-4:], told["noise"][-4:]) == (" 404", " 400")


def picture_of(shown: Any) -> str | None:
    with Image.open(io.BytesIO(base64.b64decode(shown["base64"]))) as picture:
        picture.load()
        return picture.format

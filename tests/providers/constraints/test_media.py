"""Tests that pictures, files and sounds go to models that take them alone, as the catalog says."""

import pytest

from gateway.canonical.parts import Audio, Document, Image, InlineMedia, Message, Part, ToolCall, ToolResult
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.providers.constraints import constraints_of, shape
from tests.providers.constraints.asking import HI, asked, said

PICTURE = Image(InlineMedia("QUJD", "image/png"))
PDF = Document(InlineMedia("QUJD", "application/pdf"))
NOTES = Document(InlineMedia("QUJD", "text/plain"))
SOUND = Audio(InlineMedia("QUJD", "audio/wav"))


def sent(takes: tuple[str, ...], *messages: Message) -> tuple[Message, ...]:
    target = Target("up", Profile("plain"), 1_000, takes=takes)
    return shape(asked(*messages), target, constraints_of("openai_chat", "")).messages


@pytest.mark.parametrize(("part", "kind"), [(PICTURE, "image"), (PDF, "file"), (SOUND, "audio")])
def test_a_model_that_does_not_take_it_is_not_asked(part: Part, kind: str) -> None:
    with pytest.raises(InvalidRequest, match=f"no input of kind '{kind}'") as caught:
        sent(("text",), HI, said("user", "look", part))
    assert (caught.value.param, caught.value.code) == ("messages[1].content[1]", "unsupported_content")
    assert sent(("text", kind), said("user", part)) == (said("user", part),)


def test_a_picture_in_a_result_is_a_picture() -> None:
    history = [HI, said("assistant", ToolCall("c", "f", "{}")), said("tool", ToolResult("c", (PICTURE,)))]
    with pytest.raises(InvalidRequest) as caught:
        sent(("text",), *history)
    assert caught.value.param == "messages[2].content[0]"


def test_a_text_file_is_text_to_every_model() -> None:
    assert sent(("text",), said("user", NOTES)) == (said("user", NOTES),)

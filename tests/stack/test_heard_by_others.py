"""Tests sound as others ask for it: the references' words, an assertion for each, and Open WebUI's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

import httpx
import openai
import pytest

from local.providers import sounds, transcription
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

TEXT = "The sun rises in the east and sets in the west."
SOUND = sounds.whole("mp3", TEXT, 3.0)
HEARD = " ".join(each.text for each in transcription.heard(SOUND, transcription.seconds(SOUND, "a.mp3")))


class Asking:
    """The endpoints of sound, as the statements ask them."""

    def __init__(self, http: httpx.Client, sdk: openai.OpenAI) -> None:
        self.http, self.sdk = http, sdk

    def said(self, **more: Any) -> bytes:
        body = {"model": "tts-1", "input": TEXT, "voice": "alloy"} | more
        return self.http.post("/audio/speech", json=body).raise_for_status().content

    def heard(self, file: bytes = SOUND, **fields: str) -> Any:
        answer = self.http.post("/audio/transcriptions", files={"file": ("a.mp3", file)}, data=fields)
        return answer.json() if answer.is_success else (answer.status_code, answer.json()["error"]["param"])

    def there_and_back(self) -> str:
        said = self.sdk.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input=TEXT).content
        return self.sdk.audio.transcriptions.create(model="whisper-1", file=("a.mp3", said)).text


@pytest.fixture
def asking(stack: Stack) -> Iterator[Asking]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    sdk = openai.OpenAI(api_key=stack.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S, max_retries=0)
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http, sdk:
        yield Asking(http, sdk)


CHECKS: list[tuple[str, Callable[[Asking], Any], Any]] = [
    ("audio is transcribed to text", lambda on: on.heard(model="whisper-1")["text"], HEARD),
    (
        "text is converted to spoken audio",
        lambda on: on.said(),
        sounds.whole("mp3", TEXT, sounds.seconds(TEXT)),
    ),
    ("OpenAI's SDK needs a base URL and a key alone", lambda on: bool(on.there_and_back()), True),
    (
        "the list of models has those of sound",
        lambda on: {"tts-1", "whisper-1"} <= {row["id"] for row in on.http.get("/models").json()["data"]},
        True,
    ),
    (
        "an answer says what it cost",
        lambda on: on.heard(model="whisper-1")["nexevo"]["cost_usd"],
        # Three begun seconds and what MP3 is rounded up to, at $0.006 a minute and 5 %.
        "0.00042",
    ),
    ("a refusal names the place", lambda on: on.heard(b"no sound", model="whisper-1"), (400, "file")),
]


@pytest.mark.parametrize(("_", "asked", "said"), CHECKS, ids=map(itemgetter(0), CHECKS))
def test_the_references_words_of_sound_hold(asking: Asking, _: str, asked: Callable[[Asking], Any], said: Any) -> None:
    assert asked(asking) == said


def test_open_webui_reads_a_reply_aloud(asking: Asking) -> None:
    # It writes the body into a file that it names .mp3, and sends a voice and a model of its settings.
    body = {"model": "tts-1", "input": TEXT, "voice": "alloy"}
    user = {"X-OpenWebUI-User-Name": "Ann", "X-OpenWebUI-User-Id": "u-1", "X-OpenWebUI-User-Role": "user"}
    answer = asking.http.post("/audio/speech", json=body, headers=user)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert answer.content == sounds.whole("mp3", TEXT, sounds.seconds(TEXT))
    refused = asking.http.post("/audio/speech", json=body | {"voice": "of-another"})
    assert "voice" in refused.json()["error"]["message"]


@pytest.mark.parametrize("language", [None, "en"])
def test_open_webui_writes_down_what_was_said(asking: Asking, language: str | None) -> None:
    fields = {"model": "whisper-1"} | ({"language": language} if language else {})
    files = {"file": ("1f0c.mp3", SOUND, "audio/mpeg")}
    answer = asking.http.post("/audio/transcriptions", files=files, data=fields)
    assert (answer.status_code, answer.json()["text"]) == (200, HEARD)
    # Where it fails it shows `error.message` of the JSON.
    broken = asking.http.post("/audio/transcriptions", files={"file": ("a.mp3", b"<html>")}, data=fields)
    assert (broken.status_code, type(broken.json()["error"]["message"])) == (400, str)

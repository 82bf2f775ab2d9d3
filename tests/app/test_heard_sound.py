"""Tests that sound in a chat request is held for by its seconds, and charged within them."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from gateway.canonical.money import EntryKind
from local.providers import sounds
from tests.app.harness import AppUnderTest, Scripted, app_under_test, completion, sized

pytestmark = pytest.mark.anyio

# $2.50 and $10 a million tokens of text, $32 and $64 of sound, and 5 %. 40 tokens a second, and 16 beside.
HEARD_NANOUSD, SPOKEN_NANOUSD = 33_600, 67_200
SECOND_TOKENS, FRAME_TOKENS = 40, 16


def asking(sound: bytes, form: str = "wav") -> dict[str, Any]:
    heard = {"type": "input_audio", "input_audio": {"data": base64.b64encode(sound).decode(), "format": form}}
    turn = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, heard]}
    return {"model": "gpt-audio", "max_completion_tokens": 100, "messages": [turn]}


async def held_and_charged(request: dict[str, Any], audio_tokens: int) -> tuple[int, int]:
    """The hold while the provider is asked, and the charge; the provider reports so many tokens of sound."""
    gateways: list[AppUnderTest] = []
    held: list[int] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        (hold,) = (await gateways[0].look()).holds
        held.append(hold.amount_nanousd)
        details = {"prompt_tokens_details": {"audio_tokens": audio_tokens, "cached_tokens": 0}}
        usage = {"prompt_tokens": 10 + audio_tokens, "completion_tokens": 5, "total_tokens": 15 + audio_tokens}
        writer.write(sized(200, completion(usage=usage | details)))
        await writer.drain()

    async with Scripted(script) as openai, app_under_test(openai.base_url) as gateway:
        gateways.append(gateway)
        answer = await gateway.ask(request)
        assert answer.status == 200, answer.body
        look = await gateway.look()
        assert look.holds == ()
        return held[0], -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


@pytest.mark.parametrize(("form", "seconds"), [("wav", 2.0), ("mp3", 30.0)])
async def test_sound_is_held_for_by_its_seconds(form: str, seconds: float) -> None:
    sound = sounds.whole(form, "sun", seconds)
    without, _ = await held_and_charged(asking(b"", form) | {"messages": [{"role": "user", "content": "?"}]}, 0)
    held, charged = await held_and_charged(asking(sound, form), 20)
    # 200 tokens stand for what JSON has around the sound.
    most = HEARD_NANOUSD * (SECOND_TOKENS * (int(seconds) + 1) + FRAME_TOKENS + 200)
    assert without < held <= without + most
    assert charged == 10 * 2_625 + 20 * HEARD_NANOUSD + 5 * 10_500


async def test_a_report_is_charged_within_what_the_seconds_can_be() -> None:
    sound = sounds.whole("wav", "sun", 2.0)
    held, charged = await held_and_charged(asking(sound), 100_000)
    assert charged <= held < len(sound) * HEARD_NANOUSD


async def test_sound_that_cannot_be_measured_is_held_for_by_its_bytes() -> None:
    held, _ = await held_and_charged(asking(b"no sound" * 1_000), 20)
    assert held > 8_000 * HEARD_NANOUSD

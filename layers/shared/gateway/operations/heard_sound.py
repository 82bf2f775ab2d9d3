"""Measures the sound in a chat request, so that it is held for by its seconds and not by its bytes."""

from __future__ import annotations

import math
from binascii import a2b_base64

from msgspec.structs import replace

from gateway.canonical.parts import Audio, InlineMedia, media_in
from gateway.canonical.request import ChatRequest, MeasuredSound
from gateway.errors import InvalidRequest
from gateway.ledger.bounds import FRAME_TOKENS, SOUND_TOKENS_PER_S
from gateway.untrusted.file_types import AUDIO, judge_file
from gateway.untrusted.sound.steps import Steps
from gateway.untrusted.sound_length import sound_seconds


def with_sound_measured(request: ChatRequest) -> ChatRequest:
    """The request with the bound of its inline sound; what cannot be measured keeps that of its bytes.

    All sound shares the steps that one file may take, since nothing is held yet for the work.
    """
    steps, source_bytes, tokens = Steps(), 0, 0
    for part in media_in(request.messages):
        if isinstance(part, Audio) and isinstance(part.source, InlineMedia):
            seconds = _seconds(part.source, steps)
            if seconds is not None:
                source_bytes += len(part.source.data_base64)
                tokens += FRAME_TOKENS + SOUND_TOKENS_PER_S * math.ceil(seconds)
    return replace(request, sound=MeasuredSound(source_bytes, tokens)) if source_bytes else request


def _seconds(source: InlineMedia, steps: Steps) -> float | None:
    try:
        content = a2b_base64(source.data_base64)
        return sound_seconds(content, judge_file(content, None, AUDIO, source.media_type), "", steps)
    except (InvalidRequest, ValueError):
        return None

"""Types as callers meet them: what type checkers should take, and what they should refuse. It is checked, never run."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Optional

from nexevo_ai import AsyncNexevo, AsyncPage, Nexevo, RateLimitError, SyncPage
from nexevo_ai.params.chat import ChatMessageParam
from nexevo_ai.types import ChatCompletion, ChatCompletionChunk, Job, Key

HELLO: list[ChatMessageParam] = [{"role": "user", "content": "Hello!"}]


def good(client: Nexevo) -> tuple[object, ...]:
    answer = client.chat.completions.create(model="m", messages=HELLO)
    content: object = answer.choices[0].message.content
    balance: Decimal = client.billing.balance().balance_usd
    with client.chat.completions.create("m", HELLO, stream=True) as stream:
        chunks: list[ChatCompletionChunk] = list(stream)
    with client.chat.completions.stream("m", HELLO) as told:
        text: str = "".join(told.text())
        whole: ChatCompletion = told.final()
    page: SyncPage[Key] = client.keys.list(limit=5)
    names: list[str] = [key.name for key in page]
    made: Job = client.videos.generate_and_wait("m", "p", on_progress=lambda seen: str(seen.progress))
    job: Job = client.jobs.wait("gen_1", timeout=3, max_retries=0)
    with Path("a").open("rb") as opened:
        for file in (b"x", bytearray(b"x"), io.BytesIO(b"x"), Path("a"), opened):
            client.generation.uploads.upload(file)
        client.audio.transcriptions.create(model="m", file=("a.wav", io.BytesIO(b"x"), "audio/wav"))
        client.images.edit(prompt="p", image=[opened, Path("b")])
        client.files.create(file=Path("a"), purpose="batch", timeout=4, extra_headers={"a": None})
    return content, balance, chunks, text, whole, names, made, job


async def good_by_async(client: AsyncNexevo) -> tuple[object, ...]:
    page: AsyncPage[Key] = await client.keys.list()
    keys = [key async for key in client.keys.list()]
    async with client.chat.completions.stream("m", HELLO) as told:
        text: list[str] = [piece async for piece in told.text()]
        whole: ChatCompletion = await told.final()
    stream = await client.chat.completions.create("m", HELLO, stream=True)
    async with stream as entered:
        chunks: list[ChatCompletionChunk] = [chunk async for chunk in entered]
    return page, keys, text, whole, chunks, await client.tasks.wait("t", timeout=3)


def refused(client: Nexevo, error: RateLimitError) -> Optional[str]:
    client.chat.completions.create(messages=[])  # type: ignore[call-overload]  # the model is missing
    client.keys.list(limits=5)  # type: ignore[call-arg]  # no such argument
    client.jobs.wait("gen_1", timeouts=3)  # type: ignore[call-arg]  # no such option
    client.generation.uploads.upload("a.png")  # type: ignore[arg-type]  # text is no file
    return error.code

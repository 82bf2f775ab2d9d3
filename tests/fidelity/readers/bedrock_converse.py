"""Reads Bedrock's Converse and ConverseStream with boto3. Bedrock is no client's wire, so it reads originals only."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.fidelity.seen import STUMBLES, CallDraft, ChoiceDraft, Seen, UsageSeen, named, reading

ASKED: dict[str, Any] = {"modelId": "asked", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}


class ConverseReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = boto3.client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="AKID",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _whole(self._client.converse(**ASKED)), ClientError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for event in self._client.converse_stream(**ASKED)["stream"]:
                for kind, value in event.items():
                    sums.add(kind, value)
        except (BotoCoreError, ClientError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> None:
        """Returns None, because the SDK has no class that sums up a stream."""


class _Sums:
    """A stream's events, summed up by block."""

    def __init__(self) -> None:
        self._draft = ChoiceDraft([])
        self._calls: dict[int, CallDraft] = {}
        self._usage: UsageSeen | None = None

    def add(self, kind: str, value: Any) -> None:
        match kind:
            case "contentBlockStart" if "toolUse" in value["start"]:
                use = value["start"]["toolUse"]
                if use.get("type") != "server_tool_use":
                    self._calls[value["contentBlockIndex"]] = CallDraft(use["name"], use["toolUseId"])
            case "contentBlockDelta":
                self._add_delta(value["contentBlockIndex"], value["delta"])
            case "messageStop":
                self._draft.finish = value["stopReason"]
            case "metadata":
                self._usage = usage_seen(value["usage"])

    def seen(self, error: str | None = None) -> Seen:
        self._draft.calls = [call for _, call in sorted(self._calls.items())]
        return Seen((self._draft.seen(),), self._usage, error or (None if self._usage else "no end"))

    def _add_delta(self, index: int, delta: Any) -> None:
        self._draft.text += delta.get("text", "")
        self._draft.thinking += delta.get("reasoningContent", {}).get("text", "")
        if index in self._calls:
            self._calls[index].text += delta.get("toolUse", {}).get("input", "")


def _whole(answer: Any) -> Seen:
    draft = ChoiceDraft([], finish=answer["stopReason"])
    for block in answer["output"]["message"]["content"]:
        draft.text += block.get("text", "")
        draft.text += "".join(piece["text"] for piece in block.get("citationsContent", {}).get("content", ()))
        draft.thinking += block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
        use = block.get("toolUse")
        if use is not None and use.get("type") != "server_tool_use":
            draft.calls.append(CallDraft(use["name"], use["toolUseId"], json.dumps(use["input"])))
    return Seen((draft.seen(),), usage_seen(answer["usage"]))


def usage_seen(usage: Any) -> UsageSeen:
    """Converts the counts. This wire's input excludes the tokens read from and written to a cache."""
    read, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    hours = (detail["inputTokens"] for detail in usage.get("cacheDetails", ()) if detail["ttl"] == "1h")
    return UsageSeen(
        prompt=usage["inputTokens"] + read + written,
        cache_read=read,
        cache_write=written,
        cache_write_1h=sum(hours),
        output=usage["outputTokens"],
    )

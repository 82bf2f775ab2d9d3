"""AWS's answers for one chat request, built with the store's own code, so that they always match the reader.

DynamoDB's own time is not part of the measurement, so nothing is stored: there is one key, and one account that always
has money. The function's behaviour after a refusal is not measured here.
"""

import zlib
from collections.abc import Callable
from typing import Any

import orjson

from gateway.stores.money import items

ACCOUNT_ID = "acc_bench"
KEY_ID = "key_bench"
BALANCE_NANOUSD = 10**15
RPM_LIMIT = 10**6

Payload = dict[str, Any]


def answer(operation: str, payload: Payload, provider_url: str) -> bytes:
    """The HTTP answer to an operation; raises KeyError for one that a chat request should not need."""
    body = orjson.dumps(ANSWERS[operation](payload, provider_url))
    head = (
        "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\nConnection: keep-alive\r\n"
        "x-amzn-RequestId: BENCH0000000000000000000000000000000000000000000000\r\n"
        f"x-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


def _secret(_payload: Payload, provider_url: str) -> Payload:
    root = provider_url.removesuffix("/v1")
    rows = {
        "openai": {"api_key": "sk-bench", "base_url": provider_url},
        "anthropic": {"api_key": "sk-bench", "base_url": root},
        "gemini": {"api_key": "sk-bench", "base_url": root},
    }
    return {"Name": "bench", "SecretString": orjson.dumps(rows).decode()}


def _key(payload: Payload, _provider_url: str) -> Payload:
    """Finds every key's hash."""
    texts = {"key_id": KEY_ID, "account_id": ACCOUNT_ID, "name": "bench", "last4": "0000"}
    numbers = {"created_at_s": 1_795_000_000, "rpm_limit": RPM_LIMIT}
    item = {
        **payload["Key"],
        **{name: items.text(value) for name, value in texts.items()},
        **{name: items.number(value) for name, value in numbers.items()},
    }
    return {"Item": item}


def _item(payload: Payload, provider_url: str) -> Payload:
    """Finds a key by its hash, or the account as a refusal before admission reads it."""
    if "key_hash" in payload["Key"]:
        return _key(payload, provider_url)
    account = items.new_account(ACCOUNT_ID, RPM_LIMIT) | {"free": items.number(BALANCE_NANOUSD)}
    return {"Item": payload["Key"] | account}


def _account(payload: Payload, _provider_url: str) -> Payload:
    """The account after an admission, with this request's hold only, or after a read that counts; nothing after a
    checkpoint of a stream.
    """
    values, names = payload["ExpressionAttributeValues"], payload["ExpressionAttributeNames"]
    if payload.get("ReturnValues") != "ALL_NEW":
        return {}
    if ":hold" not in values:
        counted = {"minute": values[":minute"], "kr": items.mapping({items.short(KEY_ID): items.number(1)})}
        return {"Attributes": items.new_account(ACCOUNT_ID, RPM_LIMIT) | counted}
    item = items.new_account(ACCOUNT_ID, RPM_LIMIT) | {
        "free": items.number(BALANCE_NANOUSD),
        "held": values[":hold"],
        "minute": values[":minute"],
        "used": items.number(1),
        "kw": items.mapping({items.short(KEY_ID): items.number(1)}),
        "young": items.mapping({names["#h"]: values[":young"]}),
        "active_shard": values[":shard"],
        "active_slot": values[":slot"],
    }
    return {"Attributes": item}


def _nothing(_payload: Payload, _provider_url: str) -> Payload:
    return {}


ANSWERS: dict[str, Callable[[Payload, str], Payload]] = {
    "DeleteItem": _nothing,
    "GetSecretValue": _secret,
    "GetItem": _item,
    "UpdateItem": _account,
    "Query": _nothing,
    "TransactWriteItems": _nothing,
}

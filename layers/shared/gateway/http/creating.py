"""Creates a thing once under the request's Idempotency-Key, if it has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from gateway.accounts.sealing import SealBroken, sealed, unsealed
from gateway.errors import GatewayError
from gateway.http.calls import KeyedCall, Reply
from gateway.http.request import JSON_TYPE
from gateway.idempotency.ring import GONE, Answer, Attempt, keyed_request

# The functions' timeout: API Gateway waits no longer for a buffered answer.
FUNCTION_TIMEOUT_S = 29.0

Create = Callable[[], Awaitable[Mapping[str, Any]]]


async def created_once(
    call: KeyedCall,
    new_id: str,
    create: Create,
    disown: Callable[[str], Awaitable[None]],
    *,
    status: int = 201,
    counts: bool = True,
    unpaid: bool = False,
) -> Reply:
    """The answer of `create`, or its earlier answer to the same key; `disown` removes what an id created.

    What is kept is sealed by the caller's secret, so each API key, and each session, has idempotency keys of its own.
    `counts` is false for a creation that is counted elsewhere; its repeats are only read. One that is `unpaid` needs no
    balance.
    """
    request, secret = call.request, call.secret
    keyed = keyed_request(
        request.idempotency_key,
        f"{call.account_id}#{call.caller_id}",
        request.method,
        request.path,
        request.headers.get("content-type", JSON_TYPE),
        request.body,
    )

    async def made() -> bytes:
        if counts:
            await call.count_work(unpaid=unpaid)
        return orjson.dumps(await create())

    if keyed is None:
        return Reply(await made(), status)

    async def produce() -> Answer:
        return Answer(status, {"content-type": JSON_TYPE}, sealed(await made(), secret, keyed.scope))

    deadline_s = call.services.clock.now_s() + FUNCTION_TIMEOUT_S
    answer = await call.services.idempotency.run(keyed, Attempt(new_id, deadline_s, produce, disown))
    told = {name: value for name, value in answer.headers.items() if name.lower() != "content-type"}
    try:
        body = unsealed(answer.body, secret, keyed.scope)
    except SealBroken:
        raise GatewayError(GONE, should_retry=False) from None
    return Reply(body, answer.status, told)

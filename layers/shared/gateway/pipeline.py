"""The corridor a request walks: open (decode, plan) -> admit -> attempts -> close (settle). One concern to a function.

Retry and fallback are in `_first_success`, the commit rule in `Relay`, money in `admit` and `_close`, and nowhere
else. A request that was admitted is always closed: settled for what was delivered, or released.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from random import SystemRandom
from typing import Any, TypeVar

from gateway.auth.principal import Principal, may_use
from gateway.billing import Bill, Billing, Order, Tab, estimated_usage
from gateway.canonical.codec import ClientCodec
from gateway.canonical.custom_tools import freed
from gateway.canonical.estimate import estimated_input_tokens
from gateway.canonical.money import Hold, Refusal, Window
from gateway.canonical.request import ChatRequest, conversations
from gateway.canonical.response import ChatResponse, Extension, Stamp, gathered
from gateway.canonical.target import Target
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError, InvalidRequest, RequestTimeout, UpstreamError
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports import Catalog, Clock, Credentials, Patience, SignedCall, Sink, Upstream, UpstreamResponse
from gateway.providers.profiles import PROFILES
from gateway.providers.registry import PROVIDERS, Provider
from gateway.relay import Relay, Uncarried, joined
from gateway.routing.plan import Plan, Route, plan
from gateway.signatures import Vault, collected, is_about_signatures, lacking, restored, unsigned

BACKOFF_S = 0.02
# What admission, settling and keeping the answer may take beside the provider's time.
AROUND_S = 15.0
JITTER = SystemRandom()
TIMED_OUT = "Request timed out after {:.0f} seconds. Use streaming (stream: true) for requests that may take this long."
NOT_CONFIGURED = "The provider of this model has no credentials in this deployment."
UNFORESEEN = "The gateway failed while serving the request."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came through the door. `deadline_s` is the function's, in epoch seconds."""

    principal: Principal
    codec: ClientCodec
    body: bytes
    request_id: str
    deadline_s: float
    betas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds. `stream_margin_s` is what a stream leaves of its function's time."""

    non_stream_s: float
    stream_margin_s: float
    patience: Patience


@dataclass(slots=True)
class Ticket:
    """An admitted request and what has become of it. Lives for one request."""

    call: Call
    request: ChatRequest
    plan: Plan
    hold_id: str
    entered_s: float
    models_tried: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warming: asyncio.Task[None] | None = None
    recalling: asyncio.Task[Mapping[str, SignedCall]] | None = None
    tab: Tab | None = None
    window: Window | None = None
    served_by: Route | None = None
    usage: Usage | None = None
    delivered_bytes: int = 0
    complete: bool = False
    extension: Extension | None = None
    before_end: Callable[[bytes], Awaitable[None]] | None = None
    error: GatewayError | None = None

    @property
    def generation_id(self) -> str:
        """What the caller may refer to the generation by."""
        return f"gen-nxn-{self.hold_id}"

    @property
    def account_id(self) -> str:
        """Whose request it is."""
        return self.call.principal.account_id

    @property
    def stamp(self) -> Stamp:
        """What the answer is called, and the model name it bears: the one that was asked for."""
        return Stamp(
            response_id=f"{self.call.codec.id_prefix}nxn-{self.hold_id}",
            model=self.request.model,
            created_s=int(self.entered_s),
            echo=self.request.echo,
        )

    @property
    def distinct_models(self) -> tuple[str, ...]:
        """The models tried, each once, in order."""
        return tuple(dict.fromkeys(self.models_tried))

    @property
    def model_used(self) -> str:
        """The catalog's id of the model that served, or was tried last."""
        return self.models_tried[-1] if self.models_tried else ""

    @property
    def outcome_status(self) -> int:
        """What the request came to: a failure that left nothing delivered is one, whatever status was committed."""
        return 200 if self.error is None or self.delivered_bytes else self.error.status

    def try_on(self, route: Route) -> None:
        """Notes that an attempt begins."""
        self.served_by = route
        self.models_tried.append(route.model.id)

    async def carries(self, delivered_bytes: int) -> bool:
        """Whether the hold pays for an answer that has come this far."""
        if self.tab is None:
            return True
        if delivered_bytes and self.served_by is not None:
            self.tab.progress(self.served_by, delivered_bytes)
        return await self.tab.carries(delivered_bytes)

    def standing_headers(self) -> dict[str, str]:
        """What every answer to this request bears, whatever becomes of it."""
        window = self.window.headers if self.window else {}
        return {"X-Nexevo-Generation-Id": self.generation_id, **window}

    def headers(self) -> dict[str, str]:
        """What is known of the serving attempt, while headers can still be sent."""
        told = {"X-Nexevo-Cache": "miss"}
        if self.models_tried:
            told |= {"X-Nexevo-Model-Used": self.model_used, "X-Nexevo-Models-Tried": ",".join(self.distinct_models)}
        if self.usage is not None:
            told |= {
                "X-Usage-Input-Tokens": str(self.usage.prompt),
                "X-Usage-Output-Tokens": str(self.usage.output),
            }
        return told

    def log_fields(self) -> dict[str, Any]:
        """What the request's log line says of it: ids, names and counts, no content."""
        return {
            "generation_id": self.generation_id,
            "account_id": self.call.principal.account_id,
            "key_id": self.call.principal.key.key_id,
            "model": self.request.model,
            "models_tried": self.models_tried,
            "failures": self.failures,
            "stream": self.request.stream,
            "input_tokens": self.usage.prompt if self.usage else None,
            "output_tokens": self.usage.output if self.usage else None,
        }


class Corridor:
    """The one pipeline behind every chat door."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        credentials: Credentials,
        upstream: Upstream,
        billing: Billing,
        vault: Vault,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._catalog = catalog
        self._credentials = credentials
        self._upstream = upstream
        self._billing = billing
        self._vault = vault
        self._clock = clock
        self._limits = limits

    def open(self, call: Call, *, hold_id: str = "", entered_s: float = 0.0) -> Ticket:
        """Decodes and plans; raises what is wrong with the request itself.

        A request that was opened by another process is given the hold and the time that it entered with.
        """
        request = call.codec.decode_request(call.body)
        if call.betas:
            request = replace(request, betas=call.betas)
        chosen = plan(request.model, request.routing, self._catalog, partial(may_use, call.principal.key))
        now_s = self._clock.now_s()
        return Ticket(call, request, chosen, hold_id or hold_id_at(now_s, secrets.randbits(40)), entered_s or now_s)

    def over_by_s(self, ticket: Ticket) -> float:
        """When nothing of the request runs any more, in epoch seconds."""
        if ticket.request.stream:
            return ticket.call.deadline_s
        return min(ticket.call.deadline_s, ticket.entered_s + self._limits.non_stream_s + AROUND_S)

    async def admit(self, ticket: Ticket, *, sent_here: bool = True) -> None:
        """Holds the worst case, all or nothing, while the connection to the provider is being made.

        The last refusal that is raised before anything has been sent anywhere. What another process will send
        (`resume`) needs neither connection nor signatures here.
        """
        if sent_here:
            ticket.warming = asyncio.create_task(self._warm(ticket.plan.routes[0]))
            self._recall(ticket)
        outcome = await self._billing.admit(self._order(ticket))
        ticket.window = outcome.window
        if isinstance(outcome, Refusal):
            for begun in filter(None, (ticket.warming, ticket.recalling)):
                begun.cancel()
            raise outcome.error()
        ticket.tab = outcome

    def resume(self, ticket: Ticket, hold: Hold) -> None:
        """Goes on with a request that another process has admitted, under the hold that it was admitted with."""
        self._recall(ticket)
        ticket.tab = self._billing.resume(self._order(ticket), hold)

    def _order(self, ticket: Ticket) -> Order:
        return Order(
            hold_id=ticket.hold_id,
            generation_id=ticket.generation_id,
            request_id=ticket.call.request_id,
            principal=ticket.call.principal,
            request=ticket.request,
            routes=ticket.plan.routes,
            price_version=self._catalog.price_version,
            deadline_s=ticket.call.deadline_s,
        )

    async def answer(self, ticket: Ticket) -> bytes:
        """A whole answer in the caller's wire; past the contract's time the upstream is let go and nothing charged."""
        codec = ticket.call.codec
        try:
            async with asyncio.timeout(self._limits.non_stream_s):
                body, response, provider = await self._first_success(ticket, partial(self._ask, ticket))
            ticket.usage, ticket.delivered_bytes, ticket.complete = response.usage, len(body), True
            signed = () if provider.codec.protocol == codec.protocol else collected(response, provider.codec.protocol)
            extension = await self._close_and_keep(ticket, signed)
        except TimeoutError:
            raise RequestTimeout(TIMED_OUT.format(self._limits.non_stream_s)) from None
        finally:
            await self._close(ticket)
        if provider.codec.protocol == codec.protocol:
            return codec.forward_response(body, ticket.stamp, extension)
        return codec.encode_response(freed(response, ticket.request.tools), ticket.stamp, extension)

    async def stream(self, ticket: Ticket, sink: Sink) -> None:
        """An answer as it comes. Raises only while nothing is committed; later a failure is the wire's error event."""
        relay = Relay(ticket.call.codec.stream_encoder, ticket.request, ticket.stamp, sink, ticket.carries)
        try:
            ending = await self._run(ticket, relay)
            last = ending(await self._close_and_keep(ticket, relay.signed_calls))
            if ticket.before_end is not None:
                await ticket.before_end(last)
            await sink.write(last)
        except GatewayError as error:
            ticket.error = error
            await self._close(ticket)
            if not sink.committed:
                raise
            await sink.write(relay.fail(error))
        finally:
            await self._close(ticket)
            await relay.let_go()

    async def _run(self, ticket: Ticket, relay: Relay) -> Callable[[Extension], bytes]:
        """Pumps the stream to its end and says how it is to be ended."""
        remaining_s = ticket.call.deadline_s - self._clock.now_s() - self._limits.stream_margin_s
        try:
            async with asyncio.timeout(remaining_s):
                await self._first_success(ticket, partial(self._pump, ticket, relay), relay)
            ticket.complete = True
        except (TimeoutError, Uncarried):
            return relay.cut_short
        except GatewayError:
            raise
        except Exception as unforeseen:
            raise GatewayError(UNFORESEEN) from unforeseen
        finally:
            ticket.usage, ticket.delivered_bytes = relay.usage, relay.delivered_bytes
        return relay.finish

    async def count(self, principal: Principal, request: ChatRequest) -> int:
        """The prompt's tokens, by the provider that would serve it where it counts, else an estimate; it is free."""
        chosen = plan(request.model, request.routing, self._catalog, partial(may_use, principal.key))
        route = chosen.routes[0]
        provider = PROVIDERS[route.model.provider]
        credential = await self._credentials.of(provider.name)
        if provider.counter is None or credential is None:
            return estimated_input_tokens(request)
        target = target_of(route)
        asked = provider.count_request(provider.counter, request, target, credential, self._clock.now_s())
        response = await self._upstream.send(asked, self._limits.patience)
        try:
            body = await response.read()
        finally:
            await response.aclose()
        if response.status != 200:
            raise provider.codec.decode_error(response.status, response.headers, body)
        return provider.counter.decode(body)

    async def _first_success(
        self, ticket: Ticket, attempt: Callable[[Route], Awaitable[T]], relay: Relay | None = None
    ) -> T:
        """The first attempt that works out, over the plan's routes; nothing is repeated once content was delivered.

        A provider that names a time to wait is not pressed on the same route: its word goes to the caller.
        """
        routes = ticket.plan.attempts()
        for number, (route, following) in enumerate(pairwise(routes), start=1):
            ticket.try_on(route)
            try:
                return await attempt(route)
            except UpstreamError as error:
                ticket.failures.append(f"{route.model.provider}: {error.message}")
                if (relay and relay.delivered) or (following == route and _final_here(error)):
                    raise
            await asyncio.sleep(JITTER.uniform(0, BACKOFF_S * 2**number))
        ticket.try_on(routes[-1])
        return await attempt(routes[-1])

    async def _ask(self, ticket: Ticket, route: Route) -> tuple[bytes, ChatResponse, Provider]:
        """One attempt at a whole answer: its bytes, for forwarding, and what they mean.

        Several conversations are asked side by side, and one that fails ends them all.
        """
        asked = conversations(ticket.request)
        answers = await together([self._ask_one(ticket, route, one) for one in asked])
        bodies, responses, providers = zip(*answers, strict=True)
        return b"".join(bodies), gathered(responses, ticket.request.choices), providers[0]

    async def _ask_one(self, ticket: Ticket, route: Route, asked: ChatRequest) -> tuple[bytes, ChatResponse, Provider]:
        join = provider_of(route, asked).joining(asked, target_of(route))
        response, provider = await self._send(ticket, route, replace(asked, stream=join is not None))
        try:
            body = await (response.read() if join is None else joined(response, provider.codec, join))
        finally:
            await response.aclose()
        return body, provider.codec.decode_response(body), provider

    async def _pump(self, ticket: Ticket, relay: Relay, route: Route) -> None:
        """One stream attempt, from the provider's first byte to its last."""
        if not route.model.streams:
            _, answer, provider = await self._ask(ticket, route)
            await relay.recite(answer, provider.codec.protocol, ticket.headers())
            return
        response, provider = await self._send(ticket, route, ticket.request)
        await relay.pump(response, provider.codec, ticket.headers())

    async def _send(self, ticket: Ticket, route: Route, asked: ChatRequest) -> tuple[UpstreamResponse, Provider]:
        """Sends the request to one route, with what its provider signed before; once more without, where it refuses."""
        protocol = provider_of(route, asked).codec.protocol
        kept = {} if ticket.recalling is None else await ticket.recalling
        try:
            return await self._exchange(ticket, route, restored(asked, kept, protocol))
        except InvalidRequest as refusal:
            if not is_about_signatures(refusal):
                raise
        return await self._exchange(ticket, route, unsigned(asked))

    async def _exchange(self, ticket: Ticket, route: Route, asked: ChatRequest) -> tuple[UpstreamResponse, Provider]:
        """One request to one route; raises what the provider's refusal means."""
        if ticket.warming is not None and not ticket.warming.done():
            await asyncio.wait({ticket.warming})
        provider = provider_of(route, ticket.request)
        credential = await self._credentials.of(provider.name)
        if credential is None:
            raise UpstreamError(NOT_CONFIGURED, retryable=False)
        request = provider.request(asked, target_of(route), credential, self._clock.now_s())
        response = await self._upstream.send(request, self._limits.patience)
        if response.status == 200:
            return response, provider
        try:
            body = await response.read()
        finally:
            await response.aclose()
        raise provider.codec.decode_error(response.status, response.headers, body)

    def _recall(self, ticket: Ticket) -> None:
        """Begins to look for the signatures that the conversation lacks, beside the admission."""
        targets = [
            (provider_of(route, ticket.request).codec.protocol, PROFILES[route.model.profile])
            for route in ticket.plan.routes
        ]
        call_ids = lacking(ticket.request, targets)
        if call_ids:
            found = self._vault.recall(ticket.call.principal.account_id, call_ids)
            ticket.recalling = asyncio.create_task(found)

    async def _warm(self, route: Route) -> None:
        """Has a connection to the provider ready by the time that money is; what fails here fails again at `_send`."""
        provider = PROVIDERS[route.model.provider]
        try:
            credential = await self._credentials.of(provider.name)
            origin = None if credential is None else provider.origin(credential)
        except GatewayError:
            return
        if origin is not None:
            await self._upstream.warm(origin, self._limits.patience)

    async def _close_and_keep(self, ticket: Ticket, signed: Sequence[SignedCall]) -> Extension:
        """Settles, and keeps what the next turn needs; the answer's end waits for both."""
        if not signed:
            return await self._close(ticket)
        keeping = self._vault.keep(ticket.call.principal.account_id, signed)
        extension, _ = await asyncio.gather(self._close(ticket), keeping)
        return extension

    async def _close(self, ticket: Ticket) -> Extension:
        """Settles what was delivered, or releases, once; what a caller is told of it."""
        if ticket.extension is None:
            bill = await self._bill(ticket)
            ticket.extension = Extension(
                generation_id=ticket.generation_id,
                model_used=ticket.model_used,
                models_tried=ticket.distinct_models,
                cache="miss",
                cost_usd=bill.cost_usd,
            )
        return ticket.extension

    async def _bill(self, ticket: Ticket) -> Bill:
        """Who was told something pays for it; an attempt that failed before costs the customer nothing."""
        if ticket.tab is None:
            return Bill()
        owed = ticket.delivered_bytes or (ticket.complete and ticket.usage)
        if not owed or ticket.served_by is None:
            return await ticket.tab.release()
        counted = ticket.usage if ticket.complete else None
        usage = counted or estimated_usage(ticket.request, ticket.delivered_bytes, ticket.usage)
        return await ticket.tab.settle(ticket.served_by, usage, estimated=counted is None)


async def together(asking: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them answer; the first failure, after which none is left running."""
    if len(asking) == 1:
        return [await asking[0]]
    tasks = [asyncio.ensure_future(one) for one in asking]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def provider_of(route: Route, request: ChatRequest) -> Provider:
    """Who serves the route, on the caller's own wire where the model is served on that."""
    return PROVIDERS[route.model.provider].speaking(request.protocol, route.model.wires)


def target_of(route: Route) -> Target:
    """The route as a codec needs to know it."""
    model = route.model
    return Target(model.upstream_model, PROFILES[model.profile], model.max_output_tokens)


def _final_here(error: UpstreamError) -> bool:
    return not error.retryable or error.retry_after_s is not None

"""Runs generations of text: one operation behind chat, completions, Responses, Messages and Gemini."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.arguments import with_objects
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import ClientCodec, Decoded, UpstreamCodec
from gateway.canonical.custom_tools import restore_custom_tools
from gateway.canonical.events import Ended, Failed, delivered_bytes
from gateway.canonical.file_ids import MARK, names_own_file
from gateway.canonical.parts import UploadedMedia, all_parts
from gateway.canonical.replay import replayed_events
from gateway.canonical.request import ChatRequest, conversations
from gateway.canonical.response import ChatResponse, Extension, Stamp, gathered
from gateway.canonical.target import Target
from gateway.canonical.usage import Usage, Uses
from gateway.errors import InvalidRequest
from gateway.framing.json_values import readable
from gateway.operations.betas import BETAS, betas_within_price
from gateway.operations.chat_stream import ChatAnswer, ChatTranscoder
from gateway.operations.provider_state import keeping_state, refuse_provider_state
from gateway.operations.provider_tools import offered_tools, with_sold_tools
from gateway.operations.token_meter import TokenMeter, within_prices
from gateway.pipeline.operation import InboundRequest, ProviderCall
from gateway.pipeline.provider_client import StreamBody, body_of
from gateway.ports.catalog import Catalog
from gateway.ports.keys import CACHE_CONTROL, OFF
from gateway.ports.signatures import SignedCall
from gateway.ports.upstream import Credential, UpstreamResponse
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import Provider, provider_row
from gateway.routing.plan import Candidate, Excluded, Plan, sifted
from gateway.routing.planning import concluded, plan
from gateway.signatures import Vault, collected, is_about_signatures, lacking, restored, unsigned

if TYPE_CHECKING:
    # Loaded by requests that use the cache of answers.
    from gateway.operations.chat_cache import ChatCaching, StreamCodec
    from gateway.operations.media_inputs import Inputs

    # Loaded where the deployment learns routes.
    from gateway.pipeline.learned import LearnedRoutes

    # Requests of the provider's own wire load no constraints.
    from gateway.providers.constraints import Renaming

# Stands in each member that may hold sound: `input_audio`, or a media type.
_SOUND = b"audio"

Completion = Callable[[ChatRequest, Candidate[ChatModel]], ChatRequest]


class ChatOperation:
    """Text generation for callers of one wire, by providers of any."""

    def __init__(
        self,
        wire: ClientCodec,
        catalog: Catalog[ChatModel],
        vault: Vault,
        *,
        inputs: Callable[[], Inputs] | None = None,
        routes: LearnedRoutes | None = None,
    ) -> None:
        self.wire = wire
        self._catalog = catalog
        self._vault = vault
        self._inputs = inputs
        self._routes = routes

    def decode(self, inbound: InboundRequest) -> ChatRequest:
        """The request, with the betas that its header asks for."""
        request = self.wire.decode_request(inbound.body)
        if _SOUND in inbound.body:
            from gateway.operations.heard_sound import with_sound_measured  # noqa: PLC0415  # few requests have sound

            request = with_sound_measured(request)
        if not inbound.principal.own_keys:
            refuse_provider_state(request)
        betas = betas_within_price(inbound.headers.get(BETAS, ""))
        return replace(request, betas=betas) if betas else request

    def plan(self, principal: Principal, request: ChatRequest) -> Plan[ChatModel]:
        """The candidates that the key may use, in the order of the caller's preferences, within their prices."""
        return self.weighed(principal, request, [])

    def weighed(self, principal: Principal, request: ChatRequest, excluded: list[Excluded]) -> Plan[ChatModel]:
        """The plan; the targets that its rules leave out are added to `excluded`, also where none is left.

        All candidates are sold with the tools that the request has their providers run.
        """
        planned = plan(request, self._catalog, principal, excluded)
        planned = keeping_state(request, planned, partial(speaks, request), excluded)
        planned = _selling(request, planned, excluded)
        if request.routing.require_parameters and not names_files(request):
            planned = _taking_all(request, planned, excluded)
        planned = within_prices(request, planned, excluded)
        planned = concluded(planned, request.routing, excluded)
        if self._routes is None or len(planned.candidates) == 1:
            return planned
        return self._routes.chosen(principal, request, planned)

    def meter(self, request: ChatRequest, plan: Plan[ChatModel]) -> TokenMeter:
        """Prices by tokens."""
        return TokenMeter(request, plan.candidates)

    def bounded(self, request: ChatRequest, units: int) -> ChatRequest:
        """The request for an answer of at most so many tokens."""
        return replace(request, max_output_tokens=units)

    def fetching(self, request: ChatRequest) -> Callable[[InboundRequest, ChatRequest], Awaitable[ChatRequest]] | None:
        """Reads the uploaded files that the request names, so that it holds them itself."""
        if self._inputs is None or request.source.find(MARK) < 0:
            return None
        return partial(self._with_files, self._inputs)

    async def _with_files(
        self, inputs: Callable[[], Inputs], inbound: InboundRequest, request: ChatRequest
    ) -> ChatRequest:
        from gateway.operations.file_inputs import with_files  # noqa: PLC0415  # few requests name files

        body = await with_files(request.source, self.wire, inbound.principal.account_id, inputs())
        return request if body is None else self.decode(replace(inbound, body=body))

    def recall(
        self, account_id: str, request: ChatRequest, candidate: Candidate[ChatModel]
    ) -> Coroutine[Any, Any, Completion] | None:
        """Looks for the signatures that the conversation lacks at the candidate's provider."""
        protocol = provider_of(candidate, request).wire
        call_ids = lacking(request, [(protocol, PROFILES[candidate.target.profile])])
        return self._recalled(account_id, call_ids) if call_ids else None

    async def _recalled(self, account_id: str, call_ids: Sequence[str]) -> Completion:
        return partial(_completed, await self._vault.recall(account_id, call_ids))

    def parts(self, request: ChatRequest, candidate: Candidate[ChatModel]) -> Sequence[ChatRequest]:
        """One request for each conversation."""
        del candidate
        return conversations(request)

    def origin(self, candidate: Candidate[ChatModel], credential: Credential) -> str:
        """The base URL of the provider."""
        provider = provider_row(candidate.target.provider)
        return provider.origin(provider.located(credential, candidate.target.region))

    def shares_quota(self, candidate: Candidate[ChatModel]) -> bool:
        """True if the provider's limits are its account's, for all models together."""
        return provider_row(candidate.target.provider).account_quota

    def streams(self, request: ChatRequest, candidate: Candidate[ChatModel]) -> bool:
        """True if the provider streams the model."""
        del request
        return candidate.target.streams

    def call(
        self,
        request: ChatRequest,
        candidate: Candidate[ChatModel],
        credential: Credential,
        now_s: float,
        *,
        stream: bool,
    ) -> ProviderCall:
        """The request on the caller's own wire where the model is served on it, else on the provider's first.

        An answer too long to be asked for whole is asked for as a stream, and joined.
        """
        request = with_sold_tools(request, candidate.target)
        provider, target = provider_of(candidate, request), target_of(candidate)
        join = None if stream else provider.joining(request, target)
        asked = replace(request, stream=stream or join is not None)
        credential = provider.located(credential, candidate.target.region)
        reading = body_of if join is None else partial(_joined, codec=provider.codec, join=join)
        return ProviderCall(provider.request(asked, target, credential, now_s), reading, provider.codec.decode_error)

    def amended(self, request: ChatRequest, refusal: InvalidRequest) -> ChatRequest | None:
        """The conversation without signatures, where the provider refuses them."""
        return unsigned(request) if is_about_signatures(refusal) else None

    def decode_answer(
        self, request: ChatRequest, candidate: Candidate[ChatModel], bodies: Sequence[bytes], answer_id: str
    ) -> ChatAnswer:
        """The answers to all conversations as one, with tools under the caller's names."""
        codec, renaming = provider_of(candidate, request).codec, renaming_of(request, candidate)
        undone = renaming.undone if renaming is not None else _unchanged
        bodies = [readable(body) for body in bodies]
        ids = [answer_id, *(f"{answer_id}_{place}" for place in range(1, len(bodies)))]
        responses = [undone(codec.decode_response(body, each)) for body, each in zip(bodies, ids, strict=True)]
        return ChatAnswer(b"".join(bodies), gathered(responses, request.choices), codec.protocol)

    def measure(self, answer: ChatAnswer) -> tuple[Usage | None, int, Uses]:
        """The tokens that the provider reports, and the content's length, as the same answer streamed has it."""
        response = answer.response
        return response.usage, sum(map(delivered_bytes, replayed_events(response))), response.uses

    def keep(self, account_id: str, answer: ChatAnswer) -> Coroutine[Any, Any, None] | None:
        """Keeps the signatures that the caller's wire cannot carry."""
        if answer.protocol == self.wire.protocol:
            return None
        return _kept(self._vault, account_id, collected(answer.response, answer.protocol))

    def encode_answer(self, request: ChatRequest, answer: ChatAnswer, stamp: Stamp, extension: Extension) -> bytes:
        """The provider's own bytes on the same wire, else the answer written anew."""
        if answer.body and answer.protocol == self.wire.protocol:
            return self.wire.forward_response(answer.body, stamp, extension)
        response = with_objects(restore_custom_tools(answer.response, request.tools))
        return self.wire.encode_response(response, stamp, extension)

    def caching(self, inbound: InboundRequest, request: ChatRequest) -> ChatCaching | None:
        """The terms on which the request uses the cache of answers; most use none."""
        if inbound.principal.key.cache == OFF and CACHE_CONTROL not in inbound.headers:
            return None
        from gateway.operations.chat_cache import caching_of  # noqa: PLC0415  # few requests use it

        return caching_of(self, inbound, request)

    def transcoder(
        self,
        request: ChatRequest,
        stamp: Stamp,
        codec_of: Callable[[Candidate[ChatModel]], StreamCodec | UpstreamCodec] | None = None,
    ) -> ChatTranscoder:
        """Streams between the two wires, over a cut too where the caller asks for that."""
        transcoder = ChatTranscoder
        if request.routing.stream_failure == "continue":
            from gateway.operations.continuing import transcoder_for  # noqa: PLC0415  # few callers ask for it

            transcoder = transcoder_for(request)
        return transcoder(
            self.wire,
            request,
            stamp,
            codec_of=codec_of or (lambda candidate: provider_of(candidate, request).codec),
            renaming_of=partial(renaming_of, request),
            keep=partial(_kept, self._vault),
        )


def provider_of(candidate: Candidate[ChatModel], request: ChatRequest) -> Provider:
    """The provider's row for the caller's own wire where the model is served on that."""
    return provider_row(candidate.target.provider).speaking(request.protocol, candidate.target.wires)


def names_files(request: ChatRequest) -> bool:
    """True while the request names files that are uploaded here, in the place of their bytes."""
    sources = (getattr(part, "source", None) for part in all_parts(request.messages))
    return any(isinstance(source, UploadedMedia) and names_own_file(source.file_id) for source in sources)


def speaks(request: ChatRequest, candidate: Candidate[ChatModel]) -> bool:
    """True if the request reaches the candidate's provider on the caller's own wire."""
    return provider_of(candidate, request).wire == request.protocol


def target_of(candidate: Candidate[ChatModel]) -> Target:
    """The candidate as a codec needs to know it."""
    target, model = candidate.target, candidate.model
    return Target(
        target.upstream_model,
        PROFILES[target.profile],
        model.max_output_tokens,
        context_window=model.context_window,
        takes=model.input_modalities,
    )


def _selling(request: ChatRequest, planned: Plan[ChatModel], excluded: list[Excluded]) -> Plan[ChatModel]:
    """The plan of candidates that are sold with the request's tools; raises the refusal where none is."""

    def refusal(candidate: Candidate[ChatModel]) -> InvalidRequest | None:
        try:
            offered_tools(request, candidate.target)
        except InvalidRequest as refused:
            return refused
        return None

    return _unrefused(planned, "tools", refusal, excluded)


def _taking_all(request: ChatRequest, planned: Plan[ChatModel], excluded: list[Excluded]) -> Plan[ChatModel]:
    """The plan of candidates that take every parameter of the request; raises the refusal where none does."""
    from gateway.operations.whole_requests import refused_parameter  # noqa: PLC0415  # few callers require all

    return _unrefused(planned, "provider.require_parameters", partial(refused_parameter, request), excluded)


def _unrefused(
    planned: Plan[ChatModel],
    rule: str,
    refusal: Callable[[Candidate[ChatModel]], InvalidRequest | None],
    excluded: list[Excluded],
) -> Plan[ChatModel]:
    """The plan without the candidates that are refused by the rule; raises the first refusal where none is left."""
    refusals: list[InvalidRequest] = []

    def objection(candidate: Candidate[ChatModel]) -> str | None:
        refused = refusal(candidate)
        if refused is None:
            return None
        refusals.append(refused)
        return refused.message

    kept = sifted(planned.candidates, rule, objection, excluded)
    if not kept:
        raise refusals[0]
    return replace(planned, candidates=tuple(kept)) if refusals else planned


def renaming_of(request: ChatRequest, candidate: Candidate[ChatModel]) -> Renaming | None:
    """The tool names that are brought back, since the candidate's provider cannot carry them."""
    return provider_of(candidate, request).renaming(request, target_of(candidate))


def _unchanged(response: ChatResponse) -> ChatResponse:
    return response


def _completed(kept: Mapping[str, SignedCall], request: ChatRequest, candidate: Candidate[ChatModel]) -> ChatRequest:
    return restored(request, kept, provider_of(candidate, request).wire)


def _kept(vault: Vault, account_id: str, calls: Sequence[SignedCall]) -> Coroutine[Any, Any, None] | None:
    return vault.keep(account_id, calls) if calls else None


async def _joined(response: UpstreamResponse, codec: UpstreamCodec, join: Callable[[Iterable[bytes]], bytes]) -> bytes:
    """The whole answer that a stream amounts to, or that came in its place; raises what the provider says instead."""
    body = StreamBody(response)
    if (whole := await body.in_its_place()) is not None:
        return whole
    decoder = codec.stream_decoder()
    frames: list[bytes] = []
    async for chunk in body:
        if _ends(decoder.feed(chunk), frames):
            return join(frames)
    _ends(decoder.flush(), frames)
    return join(frames)


def _ends(read: Iterable[Decoded], frames: list[bytes]) -> bool:
    """Collects frames into `frames`; true once the wire says that the stream is whole. Raises a failure."""
    ended = False
    for decoded in read:
        frames.append(decoded.frame)
        for event in decoded.events:
            if isinstance(event, Failed):
                raise event.error
            ended = ended or isinstance(event, Ended)
    return ended

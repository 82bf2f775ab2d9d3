"""Builds realtime: which candidate a session has, and its conversation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from gateway.auth.principal import Principal
from gateway.canonical.audio import AudioModel
from gateway.canonical.realtime import TRANSCRIPTION, RealtimeModel, Transcriber
from gateway.canonical.request import RoutingPreferences
from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.catalog.realtime import REALTIME_MODELS
from gateway.errors import GatewayError, InvalidRequest, NotConfigured, NotFound, PermissionDenied
from gateway.ports.clock import Clock
from gateway.providers.audio import registry as audio_providers
from gateway.providers.realtime.registry import KNOWN
from gateway.realtime.transcribers import of_audio, transcribers
from gateway.routing.plan import id_of
from gateway.routing.planning import candidates_for
from gateway.sockets.carrying import ALIVE_S
from gateway.sockets.connecting import Wanted
from gateway.sockets.purse import Purse
from gateway.sockets.sessions import (
    Kept,
    RealtimeCandidate,
    carries,
    session_of,
    terms_of,
    transcribes_alone,
    update_of,
    wire_of,
)
from gateway.wiring.following import follow
from gateway.wiring.money import money
from gateway.wiring.process import process
from gateway.wiring.sockets import callers, deferred

if TYPE_CHECKING:
    from gateway.ports.sockets import SocketRecord
    from gateway.realtime.session import Session
    from gateway.realtime.step import Step
    from gateway.sockets.asked import Asked
    from gateway.sockets.carrying import Conversation
    from gateway.sockets.line import Line

REALTIME = "realtime"
CATALOG = follow(LiveCatalog(REALTIME_MODELS, KNOWN))
AUDIO = follow(LiveCatalog(AUDIO_MODELS, audio_providers.KNOWN))


def wanted(principal: Principal, asked: Asked, clock: Clock) -> Wanted:
    """The session that is asked for; raises the refusal of its model, or of what it is set to.

    Where a provider's session only transcribes, its model is one of its settings.
    """
    model = asked.model or _transcribing(principal, asked.transcriber)
    candidate = _candidates(principal, model)[0]
    does = candidate.model.does
    if asked.does not in ("", does):
        other = f"'{model}' only transcribes" if does == TRANSCRIPTION else f"'{model}' does not only transcribe"
        raise InvalidRequest(f"{other}: the session is of another type.", param="model", code="invalid_value")
    settings = asked.transcription_settings if does == TRANSCRIPTION else asked.settings
    known = _transcribers(candidate, principal) if settings else {}
    session = session_of(candidate, terms_of("", candidate, known), clock)
    if settings:
        session.opened()
        _raise_error(session.from_client(update_of(settings)))
    return Wanted(
        REALTIME,
        model,
        candidate,
        session.exposure_nanousd,
        does,
        settings,
    )


async def conversation(record: SocketRecord, line: Line, state: bytes | None) -> Conversation:
    """The conversation of a record, for the invocation that carries it; its client is told of what refuses it."""
    from gateway.sockets.realtime import tell  # noqa: PLC0415  # the function that carries them alone

    try:
        return await _conversation(record, line, state)
    except GatewayError as error:
        # Its key may have been revoked since the run before, or its model be gone.
        await tell(line, error)
        raise


async def _conversation(record: SocketRecord, line: Line, state: bytes | None) -> Conversation:
    from gateway.pipeline.health import Health  # noqa: PLC0415  # the function that carries them alone
    from gateway.sockets.opening import Opening, Ways  # noqa: PLC0415  # likewise
    from gateway.sockets.realtime import RealtimeConversation  # noqa: PLC0415  # likewise
    from gateway.stores.health import DynamoHealth  # noqa: PLC0415  # likewise
    from gateway.upstream.sockets import WebSockets  # noqa: PLC0415  # likewise
    from gateway.wiring.providers import provider_client  # noqa: PLC0415  # likewise

    on = process()
    principal = await callers().principal(record.key_hash, record.source_ip)
    kept = None if state is None else msgspec.json.decode(state, type=Kept)
    candidates = _in_turn(_candidates(principal, record.model), kept)
    candidate = candidates[0]

    def session(candidate: RealtimeCandidate, state: bytes | None) -> Session:
        terms = terms_of(record.connection_id.rstrip("="), candidate, _transcribers(candidate, principal))
        return session_of(candidate, terms, on.clock, state)

    purse = Purse(
        principal,
        money(),
        deferred(),
        on.clock,
        request_id=record.request_id,
        model=record.model,
        candidate=candidate,
        over_by_s=record.over_by_s + ALIVE_S,
        hold=record.hold,
        place=record.place,
        beside=() if kept is None else kept.beside,
    )
    health = Health(on.clock, DynamoHealth(on.aws, on.settings.health_table))
    ways = Ways(provider_client(), WebSockets(), on.clock, health, Health(on.clock))
    return RealtimeConversation(
        Opening(ways, principal),
        candidates,
        session,
        kept,
        purse,
        line,
        partial(callers().principal, record.key_hash, record.source_ip),
        on.clock,
        record.settings if kept is None or not kept.session else b"",
    )


def _in_turn(found: list[RealtimeCandidate], kept: Kept | None) -> list[RealtimeCandidate]:
    """The candidates that may serve a session, those of the one that has served it first."""
    if kept is None:
        return found
    able = [each for each in found if kept.wire in ("", wire_of(each))]
    if not able:
        raise NotConfigured
    return sorted(able, key=lambda each: id_of(each) != kept.candidate)


def _raise_error(step: Step) -> None:
    """Raises the error that a step tells its client of, as a refusal of the request that asked for it."""
    for event in map(msgspec.json.decode, step.to_client):
        if event["type"] == "error":
            error = event["error"]
            raise InvalidRequest(error["message"], param=error["param"], code=error["code"])


def _candidates(principal: Principal, model: str) -> list[RealtimeCandidate]:
    """The candidates for a session with a model: of either catalog where it only transcribes."""
    try:
        found = candidates_for(model, RoutingPreferences(), CATALOG, principal)
    except NotFound:
        if AUDIO.find(model) is None:
            raise
        audio = candidates_for(model, RoutingPreferences(), AUDIO, principal)
        found = [of_audio(each) for each in audio if each.model.does == TRANSCRIPTION]
    able = [each for each in found if carries(each)]
    if not able:
        raise NotFound(f"The model '{model}' has no sessions of its own.", param="model", code="model_not_found")
    return able


def _transcribing(principal: Principal, named: str) -> str:
    """The model of a session that only transcribes and names none: the one that it is set to, or the first one."""
    models: tuple[RealtimeModel | AudioModel, ...] = (*CATALOG.models(), *AUDIO.models())
    own = [each.id for each in models if each.does == TRANSCRIPTION and transcribes_alone(each)]
    usable = [each for each in own if principal.may_use((each,))]
    if not usable:
        message = "This API key may use no model that transcribes in a session."
        raise PermissionDenied(message, param="model", code="model_not_allowed")
    return named if named in usable else usable[0]


def _transcribers(candidate: RealtimeCandidate, principal: Principal) -> Mapping[str, Transcriber]:
    """The models that may write down what is said: at the candidate's provider, and by the caller's key."""
    provider = candidate.target.provider
    return transcribers(provider, CATALOG.models(), AUDIO.models(), lambda name: principal.may_use((name,)))

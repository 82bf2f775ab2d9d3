"""Runs pictures as an operation of the pipeline: made by one vendor's request or several, and shown as callers want.

A vendor that makes fewer pictures in a request than are wanted is asked side by side, under one hold. What its rules
refuse is left out where other pictures were made, and is not paid; what fails otherwise ends the attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ListPrice
from gateway.canonical.images import (
    AUTO,
    BASE64,
    STORED,
    URL,
    Action,
    Drawn,
    ImageModel,
    ImageRequest,
    agreed,
)
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.models import Alias
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses
from gateway.errors import GatewayError, InvalidRequest
from gateway.operations.fitting import cannot, fitting
from gateway.operations.image_meter import ImageBounds, ImageCandidate, meter_of, pricing, quality_of, size_of
from gateway.operations.input_meter import InputMeter
from gateway.operations.whole_answers import WholeAnswers
from gateway.pipeline.beside import together
from gateway.pipeline.operation import InboundRequest, ProviderCall, Transcoder
from gateway.pipeline.provider_client import WholeAnswer
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamResponse
from gateway.protocols.openai_images import OpenAIImages
from gateway.providers.images.registry import painter
from gateway.providers.images.vendor import Asked, Painter, Wait, moderated
from gateway.routing.plan import Plan
from gateway.routing.planning import candidates_for

if TYPE_CHECKING:
    # A cold start loads nothing that reads strangers' files.
    from gateway.operations.image_files import ImageFiles

Ask = Callable[[UpstreamRequest], Awaitable[WholeAnswer]]
# The parts of a job that are asked for at the same time; its pictures are in memory.
PARTS_AT_ONCE = 4
# The `output_compression` of a picture that is not made smaller.
UNSQUEEZED = 100
_DRAWN = msgspec.msgpack.Decoder(Drawn)


class Studio(Struct, frozen=True):
    """The tools for pictures beside the pipeline: further requests to a vendor, and where pictures are brought."""

    ask: Ask
    files: ImageFiles


class ImagesOperation(WholeAnswers[ImageRequest, Drawn]):
    """Pictures for callers of one of the wire's paths; `studio` is asked for at the first request."""

    def __init__(self, wire: OpenAIImages, catalog: Catalog[ImageModel], studio: Callable[[], Studio]) -> None:
        self.wire = wire
        self._catalog = catalog
        self._studio = studio

    def decode(self, inbound: InboundRequest) -> ImageRequest:
        """The request as its wire reads it."""
        request = self.wire.decode_request(inbound.headers.get("content-type", ""), inbound.body)
        return replace(request, account_id=inbound.principal.account_id)

    def plan(self, principal: Principal, request: ImageRequest) -> Plan[ImageModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        bounds, price = ImageBounds(request), pricing(request)
        return fitting(
            found,
            request.routing,
            partial(_refusal, request),
            _listed,
            lambda each: price(each, bounds.at_most(each)),
        )

    def meter(self, request: ImageRequest, plan: Plan[ImageModel]) -> InputMeter:
        """Prices by the piece or by tokens, as each candidate has it."""
        return meter_of(request, plan.candidates)

    def fetching(
        self, request: ImageRequest
    ) -> Callable[[InboundRequest, ImageRequest], Awaitable[ImageRequest]] | None:
        """Looks up the request's pictures, and judges those that came with it."""
        return self._completed if request.pictures else None

    async def _completed(self, inbound: InboundRequest, request: ImageRequest) -> ImageRequest:
        del inbound  # The request names its account.
        return await self._studio().files.completed(request)

    def parts(self, request: ImageRequest, candidate: ImageCandidate) -> Sequence[ImageRequest]:
        """The request in pieces of as many pictures as the vendor makes at once; each piece has a seed of its own."""
        most = _painter(candidate).images_max
        counts = [min(most, request.n - begun) for begun in range(0, request.n, most)]
        return [
            replace(request, n=count, seed=None if request.seed is None else request.seed + number * most)
            for number, count in enumerate(counts)
        ]

    def vendor(self, candidate: ImageCandidate) -> Painter:
        """The row of the candidate's provider."""
        return _painter(candidate)

    def streams(self, request: ImageRequest, candidate: ImageCandidate) -> bool:
        """True if the candidate sends the picture while it is made. Several are asked for whole: the events of a stream
        do not say of which picture they are, and nothing promises that all come.
        """
        return request.n == 1 and candidate.target.streams

    def call(
        self, request: ImageRequest, candidate: ImageCandidate, credential: Credential, now_s: float, *, stream: bool
    ) -> ProviderCall:
        """One part, in the provider's words; its answer is read until the pictures are there."""
        row, asked = self._asked(replace(request, stream=stream), candidate, credential, now_s)
        form = self._form(request, candidate)
        return ProviderCall(row.request(asked), partial(self._read, row, asked, form), row.error, row.accepted)

    async def made(
        self, request: ImageRequest, candidate: ImageCandidate, credential: Credential, now_s: float
    ) -> Drawn:
        """The pictures of all parts, as a job asks for them; raises the provider's refusal or failure."""

        async def made(part: ImageRequest) -> bytes:
            row, asked = self._asked(part, candidate, credential, now_s)
            return await self._drawn(row, asked, self._form(part, candidate), Wait(row.request(asked), 0.0))

        parts = self.parts(request, candidate)
        bodies = await together([partial(made, part) for part in parts], PARTS_AT_ONCE)
        return self.decode_answer(request, candidate, bodies, "")

    def _asked(
        self, request: ImageRequest, candidate: ImageCandidate, credential: Credential, now_s: float
    ) -> tuple[Painter, Asked]:
        """The vendor's row, and the request in the words of the candidate's model."""
        account = self.account(candidate, credential)
        return _painter(candidate), Asked(_fitted(request, candidate), candidate.target.upstream_model, account, now_s)

    async def _read(self, row: Painter, asked: Asked, form: str, response: UpstreamResponse) -> bytes:
        """The pictures in the caller's form, as bytes for `decode_answer`."""
        body = await response.read()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return await self._drawn(row, asked, form, row.read(asked, ProviderAnswer(response.status, headers, body)))

    async def _drawn(self, row: Painter, asked: Asked, form: str, step: Drawn | Wait) -> bytes:
        """The pictures, once the vendor has made them."""
        while isinstance(step, Wait):
            step = await self._next(row, asked, step)
        drawn = await self._studio().files.in_form(step, asked.request.account_id, form)
        return msgspec.msgpack.encode(drawn)

    async def _next(self, row: Painter, asked: Asked, step: Wait) -> Drawn | Wait:
        """The state of a vendor's task after the pause; the task is given up where nothing waits for it any more."""
        ask = self._studio().ask
        try:
            await asyncio.sleep(step.after_s)
            answer = await ask(step.request)
        except asyncio.CancelledError:
            if step.cancel is not None:
                with suppress(GatewayError):
                    await ask(step.cancel)
            raise
        if answer.status >= 300 and answer.status not in row.accepted:
            raise row.error(answer.status, answer.headers, answer.body)
        return row.read(asked, ProviderAnswer(answer.status, answer.headers, answer.body))

    def _form(self, request: ImageRequest, candidate: ImageCandidate) -> str:
        """The form of the pictures: stored for a job, base64 for a stream, whose events SDKs read so, or as the caller
        says; else as the model's vendor answers where the caller names the model.
        """
        if request.deferred:
            return STORED
        if request.stream:
            return BASE64
        if request.form is not None:
            return request.form
        return URL if isinstance(candidate.name.offer, Alias) else candidate.model.form

    def decode_answer(
        self, request: ImageRequest, candidate: ImageCandidate, bodies: Sequence[bytes], answer_id: str
    ) -> Drawn:
        """The pictures of all parts; raises the refusal where rules left none of them."""
        del request, candidate, answer_id
        parts = [_DRAWN.decode(body) for body in bodies]
        drawings = tuple(drawing for each in parts for drawing in each.drawings)
        if not drawings:
            raise moderated(next((each.refused for each in parts if each.refused), None))
        usages = [each.usage for each in parts if each.usage is not None]
        usage = sum(usages[1:], usages[0]) if usages else None
        return Drawn(drawings, usage, told=agreed([each.told for each in parts if each.drawings]))

    def measure(self, answer: Drawn) -> tuple[Usage | None, int, Uses]:
        """The usage that was reported, and the length of the pictures."""
        size = sum(len(drawing.base64) + len(drawing.url) for drawing in answer.drawings)
        return answer.usage, size, ()

    def encode_answer(self, request: ImageRequest, answer: Drawn, stamp: Stamp, extension: Extension) -> bytes:
        """The answer in the caller's wire."""
        return self.wire.encode_answer(request, answer, stamp, extension)

    def transcoder(self, request: ImageRequest, stamp: Stamp) -> Transcoder[Drawn]:
        """The stream, loaded where one is asked for."""
        from gateway.operations.image_stream import ImageTranscoder  # noqa: PLC0415  # streams alone load it

        del request
        return ImageTranscoder(self.wire, stamp)


def _painter(candidate: ImageCandidate) -> Painter:
    return painter(candidate.target.provider, candidate.target.upstream_model)


def _listed(candidate: ImageCandidate) -> ListPrice | None:
    """The price of tokens, if the candidate has one."""
    price = candidate.target.price
    return None if price.output is None else ListPrice(input=price.input, output=price.output)


def _fitted(request: ImageRequest, candidate: ImageCandidate) -> ImageRequest:
    """The request in the words of the model's row. What the model has no word for, and may be left out, is left out:
    a negative prompt and a seed, which are hints, and the quality of a model that has one alone.
    """
    model = candidate.model
    return replace(
        request,
        action=_action(request),
        size=None if request.wanted_size is None else size_of(request, model),
        quality=quality_of(request, model),
        negative_prompt=request.negative_prompt if model.negative_prompt else None,
        seed=request.seed if model.seed else None,
        background=request.background if model.transparent else None,
        output_format=request.output_format if model.formats else None,
    )


def _action(request: ImageRequest) -> Action:
    """The action that a vendor is asked for: a generation that starts from a picture is an edit of it."""
    return Action.EDIT if request.images and request.action is Action.GENERATION else request.action


def _refusal(request: ImageRequest, candidate: ImageCandidate) -> InvalidRequest | None:
    """The refusal of what the candidate cannot do of a request, if there is one."""
    model = candidate.model
    if (refused := _refused_pictures(request, candidate)) is not None:
        return refused
    if request.n > model.images_max:
        return cannot("n", f"The model '{model.id}' makes at most {model.images_max} pictures in a request.")
    if size_of(request, model) is None:
        return cannot("size", f"The model '{model.id}' makes none near this size. It makes: {', '.join(model.sizes)}.")
    if len(request.prompt) > model.prompt_characters_max:
        most = model.prompt_characters_max
        return cannot("prompt", f"The model '{model.id}' takes a prompt of at most {most} characters.")
    if request.quality not in {None, AUTO} and model.qualities and quality_of(request, model) is None:
        known = ", ".join(model.qualities)
        return cannot("quality", f"The model '{model.id}' has these qualities: {known}.")
    if request.output_format is not None and request.output_format not in (model.formats or ("png",)):
        return cannot("output_format", f"The model '{model.id}' does not make {request.output_format}.")
    if request.background == "transparent" and not model.transparent:
        return cannot("background", f"The model '{model.id}' makes no transparent background.")
    return _refused_options(request, model)


def _refused_options(request: ImageRequest, model: ImageModel) -> InvalidRequest | None:
    """The refusal of an option that the model does not take, or not for this format.

    A value that only states the default is never refused.
    """
    squeezed = request.output_compression not in {None, UNSQUEEZED}
    wished = {
        "input_fidelity": request.input_fidelity is not None,
        "moderation": request.moderation not in {None, AUTO},
        "output_compression": squeezed,
        "style": request.style is not None,
    }
    for name, is_wished in wished.items():
        if is_wished and name not in model.options:
            return cannot(name, f"The model '{model.id}' takes no {name}.")
    if squeezed and request.output_format in {None, "png"}:
        return cannot("output_compression", "'output_compression' goes with the output_format 'jpeg' or 'webp'.")
    return None


def _refused_pictures(request: ImageRequest, candidate: ImageCandidate) -> InvalidRequest | None:
    """The refusal of the request's pictures, or of what is to be done with them."""
    model, row = candidate.model, _painter(candidate)
    if request.action is Action.VARIATION and not model.variations:
        return cannot("model", f"The model '{model.id}' makes no variations; use /v1/images/edits.")
    if request.images and not model.inputs_max and request.action is not Action.VARIATION:
        return cannot(request.images[0].place, f"The model '{model.id}' takes no pictures.")
    if len(request.images) > max(model.inputs_max, 1):
        return cannot("image", f"The model '{model.id}' takes at most {model.inputs_max} pictures.")
    if request.mask is not None and not model.mask:
        return cannot("mask", f"The model '{model.id}' takes no mask.")
    if _action(request) not in row.endpoints:
        return cannot("model", f"The model '{model.id}' is not offered for this by its provider.")
    return None

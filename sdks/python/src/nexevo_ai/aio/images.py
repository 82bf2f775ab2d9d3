"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Union, overload

from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._request import FileContent, call_of
from nexevo_ai.types.images import ImageEvent, Images
from nexevo_ai.types.shared import AcceptedJob

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.images import ImagesCreateVariationParams, ImagesEditParams, ImagesGenerateParams


class AsyncImagesResource(AsyncResource):
    """Methods of `client.images`."""

    @overload
    async def generate(
        self, prompt: str, *, stream: Literal[True], **params: Unpack[ImagesGenerateParams]
    ) -> AsyncStream[ImageEvent]: ...

    @overload
    async def generate(
        self, prompt: str, *, stream: Literal[False] = ..., **params: Unpack[ImagesGenerateParams]
    ) -> Union[Images, AcceptedJob]: ...

    async def generate(
        self, prompt: str, *, stream: bool = False, **params: Unpack[ImagesGenerateParams]
    ) -> Union[Union[Images, AcceptedJob], AsyncStream[ImageEvent]]:
        """Draws pictures of a prompt."""
        call = call_of(
            "POST",
            "/v1/images/generations",
            {"prompt": prompt, **({"stream": True} if stream else {}), **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "background",
                "n",
                "negative_prompt",
                "output_compression",
                "output_format",
                "partial_images",
                "quality",
                "response_format",
                "safety_identifier",
                "seed",
                "size",
                "stream",
                "user",
                "webhook_url",
                "prompt",
                "images",
                "moderation",
                "reference_image_b64",
                "reference_image_url",
                "style",
            ),
            is_once=True,
        )
        answer: Union[Union[Images, AcceptedJob], AsyncStream[ImageEvent]] = await self._ask(
            call, kind=Images, accepted=AcceptedJob, event=ImageEvent
        )
        return answer

    @overload
    async def edit(
        self, prompt: str, *, stream: Literal[True], **params: Unpack[ImagesEditParams]
    ) -> AsyncStream[ImageEvent]: ...

    @overload
    async def edit(
        self, prompt: str, *, stream: Literal[False] = ..., **params: Unpack[ImagesEditParams]
    ) -> Union[Images, AcceptedJob]: ...

    async def edit(
        self, prompt: str, *, stream: bool = False, **params: Unpack[ImagesEditParams]
    ) -> Union[Union[Images, AcceptedJob], AsyncStream[ImageEvent]]:
        """Changes pictures."""
        call = call_of(
            "POST",
            "/v1/images/edits",
            {"prompt": prompt, **({"stream": True} if stream else {}), **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "background",
                "n",
                "negative_prompt",
                "output_compression",
                "output_format",
                "partial_images",
                "quality",
                "response_format",
                "safety_identifier",
                "seed",
                "size",
                "stream",
                "user",
                "webhook_url",
                "prompt",
                "image",
                "images",
                "input_fidelity",
                "mask",
                "moderation",
            ),
            is_form=True,
            is_once=True,
        )
        answer: Union[Union[Images, AcceptedJob], AsyncStream[ImageEvent]] = await self._ask(
            call, kind=Images, accepted=AcceptedJob, event=ImageEvent
        )
        return answer

    async def create_variation(self, image: FileContent, **params: Unpack[ImagesCreateVariationParams]) -> Images:
        """Varies a picture."""
        call = call_of(
            "POST",
            "/v1/images/variations",
            {"image": image, **params},
            body=("models", "provider", "max_price", "image", "model", "n", "response_format", "size", "user"),
            is_form=True,
            is_once=True,
        )
        answer: Images = await self._ask(call, kind=Images)
        return answer

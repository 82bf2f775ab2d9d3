"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._answers import BinaryResponse
from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncVideosHelpers
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.shared import AcceptedJob, Deleted
from nexevo_ai.types.videos import Video

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.videos import (
        VideosContentParams,
        VideosCreateParams,
        VideosDeleteParams,
        VideosGenerateParams,
        VideosGetParams,
        VideosListParams,
    )


class AsyncVideosResource(AsyncVideosHelpers):
    """Methods of `client.videos`."""

    async def generate(self, model: str, **params: Unpack[VideosGenerateParams]) -> AcceptedJob:
        """Creates a video, asynchronously."""
        call = call_of(
            "POST",
            "/v1/videos/generations",
            {"model": model, **params},
            body=(
                "model",
                "prompt",
                "duration_sec",
                "aspect_ratio",
                "reference_image_url",
                "negative_prompt",
                "seed",
                "webhook_url",
                "provider",
            ),
            is_once=True,
        )
        answer: AcceptedJob = await self._ask(call, kind=AcceptedJob)
        return answer

    async def create(self, prompt: str, **params: Unpack[VideosCreateParams]) -> Video:
        """A video, as a form or as JSON asks for it."""
        call = call_of(
            "POST",
            "/v1/videos",
            {"prompt": prompt, **params},
            body=("prompt", "model", "seconds", "size", "input_reference"),
            is_once=True,
        )
        answer: Video = await self._ask(call, kind=Video)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[VideosListParams]) -> AsyncPage[Video]:
        """Newest first unless asked otherwise."""
        call = call_of("GET", "/v1/videos", {**params}, query=("limit", "after", "order"))
        answer: AsyncPage[Video] = await self._ask(call, element=Video)
        return answer

    async def get(self, video_id: str, **params: Unpack[VideosGetParams]) -> Video:
        """Returns one video."""
        call = call_of("GET", f"/v1/videos/{path_part(video_id)}", {**params})
        answer: Video = await self._ask(call, kind=Video)
        return answer

    async def delete(self, video_id: str, **params: Unpack[VideosDeleteParams]) -> Deleted:
        """Deletes a video and its file."""
        call = call_of("DELETE", f"/v1/videos/{path_part(video_id)}", {**params})
        answer: Deleted = await self._ask(call, kind=Deleted)
        return answer

    async def content(self, video_id: str, **params: Unpack[VideosContentParams]) -> BinaryResponse:
        """Sends on to the file: an answer of ours could not be longer than 6 MB."""
        call = call_of("GET", f"/v1/videos/{path_part(video_id)}/content", {**params}, query=("variant",))
        answer: BinaryResponse = await self._ask(call)
        return answer

"""OpenAI's video routes over the gateway's jobs: https://platform.openai.com/docs/api-reference/videos."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from gateway.canonical.jobs import JobKind
from gateway.errors import InvalidRequest
from gateway.http.generation import CreatedJob, OpenAIVideo, Services
from gateway.http.json_app import Caller, Cursor, PageLimit, router
from gateway.jobs.media.views import deleted_view, video_view, videos_page

videos = router()


@videos.post("")
async def create_video(create: CreatedJob, video: OpenAIVideo) -> Response:
    """A video, as a form or as JSON asks for it."""
    return await create(video, video_view, status=200)


@videos.get("")
async def list_videos(
    caller: Caller,
    services: Services,
    limit: PageLimit = 20,
    after: Cursor = None,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """Newest first unless asked otherwise."""
    page = await services.videos(caller.account_id, limit, after, oldest_first=order == "asc")
    return videos_page(page.elements, has_more=page.next_cursor is not None)


@videos.get("/{video_id}")
async def get_video(video_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """Returns one video."""
    return video_view(await services.find(caller.account_id, video_id, (JobKind.VIDEO,)))


@videos.get("/{video_id}/content")
async def get_content(
    video_id: str,
    caller: Caller,
    services: Services,
    variant: Annotated[Literal["video", "thumbnail", "spritesheet"], Query()] = "video",
) -> Response:
    """Sends on to the file: an answer of ours could not be longer than 6 MB."""
    if variant != "video":
        raise InvalidRequest(f"There is no {variant} of a video here.", param="variant", code="invalid_value")
    return RedirectResponse(await services.content_url(caller.account_id, video_id), status_code=302)


@videos.delete("/{video_id}")
async def delete_video(video_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """Deletes a video and its file."""
    return deleted_view(await services.delete(caller.account_id, video_id))

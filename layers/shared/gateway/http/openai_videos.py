"""OpenAI's video endpoints over the gateway's jobs: https://platform.openai.com/docs/api-reference/videos."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gateway.canonical.jobs import JobKind
from gateway.errors import InvalidRequest
from gateway.http.calls import Cursor, PageLimit, Reply, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.generation import GenerationCall
from gateway.jobs.media.views import deleted_view, video_view, videos_page

videos = Endpoints(GenerationCall, "/v1/videos")


class VideosPage(Struct):
    """The part of the list of videos that a query asks for."""

    limit: PageLimit = 20
    after: Cursor | None = None
    order: Literal["asc", "desc"] = "desc"


class Content(Struct):
    """The form of a video that a query asks for."""

    variant: Literal["video", "thumbnail", "spritesheet"] = "video"


@videos.on("POST", "")
async def create_video(call: GenerationCall) -> Shown:
    """A video, as a form or as JSON asks for it."""
    return await call.created_job(call.openai_video(), video_view, status=200)


@videos.on("GET", "", query=VideosPage)
async def list_videos(call: GenerationCall, wanted: VideosPage) -> Shown:
    """Newest first unless asked otherwise."""
    oldest_first = wanted.order == "asc"
    page = await call.service.videos(call.account_id, wanted.limit, wanted.after or None, oldest_first=oldest_first)
    return videos_page(page.elements, has_more=page.next_cursor is not None)


@videos.on("GET", "/{video_id}")
async def get_video(call: GenerationCall) -> Shown:
    """Returns one video."""
    return video_view(await call.service.find(call.account_id, call.path["video_id"], (JobKind.VIDEO,)))


@videos.on("GET", "/{video_id}/content", query=Content)
async def get_content(call: GenerationCall, wanted: Content) -> Shown:
    """Sends on to the file: an answer of ours could not be longer than 6 MB."""
    if wanted.variant != "video":
        message = f"There is no {wanted.variant} of a video here."
        raise InvalidRequest(message, param="variant", code="invalid_value")
    url = await call.service.content_url(call.account_id, call.path["video_id"])
    return Reply(b"", 302, {"Location": url})


@videos.on("DELETE", "/{video_id}")
async def delete_video(call: GenerationCall) -> Shown:
    """Deletes a video and its file."""
    return deleted_view(await call.service.delete(call.account_id, call.path["video_id"]))

"""Video and 3D: jobs, what may be asked for, files to start from. Jobs answer without `/v1` too."""

from functools import partial
from typing import Any

from fastapi import Response

from gateway.control_plane import Caller, CreatedOnce, Cursor, PageLimit, control_app, lambda_handler, router
from gateway.generation.door import CreatedJob, Services, UploadedFile, forgotten
from gateway.generation.openai_videos import videos
from gateway.jobs.requests import Model3dRequest, PresignRequest, VideoRequest
from gateway.jobs.views import accepted_view, job_view, jobs_page

app = control_app("generation")
made, generation = router(), router()


@made.post("/videos/generations", status_code=202)
async def create_video(body: VideoRequest, create: CreatedJob) -> Response:
    """A video, asynchronously."""
    return await create(body.asked(), accepted_view, status=202)


@made.post("/3d/generations", status_code=202)
async def create_3d(body: Model3dRequest, create: CreatedJob) -> Response:
    """A 3D model, asynchronously."""
    return await create(body.asked(), accepted_view, status=202)


@made.post("/files/presign", status_code=201)
async def presign(body: PresignRequest, caller: Caller, services: Services, once: CreatedOnce) -> Response:
    """A form for a file that is too large to come with a request."""
    file_id = services.new_file_id()
    create = partial(services.uploads.presign, caller.account_id, file_id, body.size, body.type)
    return await once(file_id, create, forgotten)


@generation.post("/upload", status_code=201)
async def upload(caller: Caller, file: UploadedFile, services: Services, once: CreatedOnce) -> Response:
    """Keeps a reference image."""
    file_id = services.new_file_id()
    return await once(file_id, partial(services.uploads.upload, caller.account_id, file_id, file), forgotten)


@generation.get("/models")
async def list_models(caller: Caller, services: Services) -> dict[str, Any]:
    """What may be asked for, and what it costs."""
    return services.models(caller.key)


@generation.get("/jobs")
async def list_jobs(caller: Caller, services: Services, limit: PageLimit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """The account's jobs, newest first."""
    page = await services.page(caller.account_id, limit, cursor)
    return await jobs_page(page, services.objects, services.clock.now_s())


@generation.get("/jobs/{job_id}")
async def get_job(job_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """One of them, the addresses of its results signed afresh."""
    job = await services.find(caller.account_id, job_id)
    return await job_view(job, services.objects, services.clock.now_s())


@generation.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """Ends a job that has not ended; nothing is paid."""
    job = await services.cancel(caller.account_id, job_id)
    return await job_view(job, services.objects, services.clock.now_s())


# Before `/v1/videos/{id}`: that would take "generations" for an id, where the method fits.
app.include_router(made, prefix="/v1")
app.include_router(videos, prefix="/v1/videos")
app.include_router(generation, prefix="/v1/generation")
app.include_router(generation, prefix="/generation")
handler = lambda_handler(app)

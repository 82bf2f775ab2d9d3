"""Serves generation on our own wire: the models, 3D models, jobs of every kind. Jobs answer without `/v1` too."""

from typing import Any

from fastapi import Response

from gateway.http.generation import CreatedJob, Services
from gateway.http.json_app import Caller, Cursor, PageLimit, control_app, lambda_handler, router
from gateway.jobs.media.requests import Model3dRequest
from gateway.jobs.media.views import accepted_view, job_view, jobs_page

app = control_app("generation")
models_3d, generation = router(), router()


@models_3d.post("/generations", status_code=202)
async def create_3d(body: Model3dRequest, create: CreatedJob) -> Response:
    """Creates a 3D model, asynchronously."""
    return await create(body.to_media_request(), accepted_view, status=202)


@generation.get("/models")
async def list_models(caller: Caller, services: Services) -> dict[str, Any]:
    """Lists the models and their prices."""
    return services.models(caller)


@generation.get("/jobs")
async def list_jobs(caller: Caller, services: Services, limit: PageLimit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """Lists the account's jobs, newest first."""
    page = await services.page(caller.account_id, limit, cursor)
    return await jobs_page(page, services.objects, services.clock.now_s())


@generation.get("/jobs/{job_id}")
async def get_job(job_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """Shows a job, with freshly signed URLs of its results."""
    job = await services.find(caller.account_id, job_id)
    return await job_view(job, services.objects, services.clock.now_s())


@generation.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: Caller, services: Services) -> dict[str, Any]:
    """Cancels a job that has not ended; it is not charged."""
    job = await services.cancel(caller.account_id, job_id)
    return await job_view(job, services.objects, services.clock.now_s())


app.include_router(models_3d, prefix="/v1/3d")
app.include_router(generation, prefix="/v1/generation")
app.include_router(generation, prefix="/generation")
handler = lambda_handler(app)

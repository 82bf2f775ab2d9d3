"""Serves uploads of files for jobs: in a request, or by a presigned form."""

from functools import partial

from fastapi import Response

from gateway.http.json_app import Caller, CreatedOnce, control_app, lambda_handler, router
from gateway.http.uploads import Files, UploadedFile, forgotten
from gateway.jobs.media.requests import PresignRequest

app = control_app("files")
files, uploads = router(), router()


@files.post("/presign", status_code=201)
async def presign(body: PresignRequest, caller: Caller, storage: Files, once: CreatedOnce) -> Response:
    """Creates a form for a file that is too large for a request."""
    file_id = storage.new_id()
    create = partial(storage.presign, caller.account_id, file_id, body.size, body.type)
    return await once(file_id, create, forgotten)


@uploads.post("/upload", status_code=201)
async def upload(caller: Caller, file: UploadedFile, storage: Files, once: CreatedOnce) -> Response:
    """Stores a reference image."""
    file_id = storage.new_id()
    return await once(file_id, partial(storage.upload, caller.account_id, file_id, file), forgotten, counts=False)


app.include_router(files, prefix="/v1/files")
app.include_router(uploads, prefix="/v1/generation")
app.include_router(uploads, prefix="/generation")
handler = lambda_handler(app)

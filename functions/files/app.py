"""Serves accounts' files, and uploads for jobs: in a request, or by a presigned form."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.files.uploads import PURPOSES
from gateway.http.buffered import lambda_handler
from gateway.http.calls import Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.files import FileCall, accounts_files
from gateway.http.json_app import JsonApp
from gateway.http.uploads import UploadCall, forgotten
from gateway.jobs.media.requests import PresignRequest

files = Endpoints(FileCall, "/v1/files")
uploads = Endpoints(UploadCall, "/v1/generation", "/generation")


@files.on("POST", "/presign", body=PresignRequest)
async def presign(call: FileCall, body: PresignRequest) -> Shown:
    """Creates a form for a file that is too large for a request."""
    is_kept = body.purpose in PURPOSES
    file_id = call.files.new_id() if is_kept else call.storage.new_id()

    async def create() -> Mapping[str, Any]:
        form = await call.storage.presign(call.account_id, file_id, body.purpose, body.size, body.type)
        if is_kept:
            await call.files.expect(call.account_id, file_id, body.purpose, body.filename, body.type)
        return form

    return await created_once(call, file_id, create, forgotten)


@uploads.on("POST", "/upload")
async def upload(call: UploadCall) -> Shown:
    """Stores a reference image, whose upload is counted before its file is read."""
    await call.count_work()
    file, file_id = call.file(), call.storage.new_id()
    create = partial(call.storage.upload, call.account_id, file_id, file)
    return await created_once(call, file_id, create, forgotten, counts=False)


app = JsonApp(files, accounts_files, uploads)
handler = lambda_handler(app)

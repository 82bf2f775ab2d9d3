"""The endpoints of accounts' files, as OpenAI's SDKs call them, and Anthropic's where its header says so.

https://platform.openai.com/docs/api-reference/files and https://docs.claude.com/en/api/files-create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gateway.errors import InvalidRequest
from gateway.files.inputs import LIFETIME_S
from gateway.files.kept import Files
from gateway.files.views import AnthropicFiles, OpenAIFiles
from gateway.framing.multipart import FormPart
from gateway.http.calls import Cursor, Reply, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.uploads import UploadCall
from gateway.protocols.shared.body import Body, read_members
from gateway.protocols.shared.forms import read_form
from gateway.wiring.files import files

PAGE_MAX = 100


class ExpiresAfter(Body, frozen=True, kw_only=True):
    """The lifetime of a file."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=3600, le=LIFETIME_S)]


class FileCreation(Body, frozen=True, kw_only=True):
    """The form of a file's creation, without the file. Anthropic's has no members."""

    purpose: Literal["user_data", "vision"]
    expires_after: ExpiresAfter | None = None


class FilesPage(Struct):
    """The part of the list that a query asks for; a page has 100 files at most."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = PAGE_MAX
    after: Cursor | None = None
    after_id: Cursor | None = None
    before_id: Cursor | None = None
    order: Literal["asc", "desc"] = "desc"
    purpose: Literal["user_data", "vision"] | None = None


class FileCall(UploadCall):
    """One call about accounts' files."""

    @property
    def files(self) -> Files:
        """Accounts' files."""
        return files()

    @property
    def shapes(self) -> type[OpenAIFiles | AnthropicFiles]:
        """The shapes of the SDK that asks."""
        return AnthropicFiles if self._is_anthropics else OpenAIFiles

    @property
    def _is_anthropics(self) -> bool:
        return "anthropic-version" in self.request.headers

    def creation(self) -> tuple[FormPart, FileCreation]:
        """The file of the form, and what is to become of it; raises the refusal of another body."""
        content_type = self.request.headers.get("content-type", "")
        form = read_form(content_type, self.request.body, integers={"expires_after"})
        found = form.files.get("file", ())
        if len(found) != 1 or len(form.files) != 1:
            raise InvalidRequest("The form needs one file, in the field 'file'.", param="file", code="invalid_body")
        members: Mapping[str, Any] = form.root.as_object()
        if self._is_anthropics:
            members = {"purpose": "user_data", **members}
        return found[0], read_members(members, FileCreation)


accounts_files = Endpoints(FileCall, "/v1/files")


@accounts_files.on("POST", "")
async def create_file(call: FileCall) -> Shown:
    """Stores a file, whose upload is counted before it is read."""
    await call.count_work()
    file, wanted = call.creation()
    lifetime_s = LIFETIME_S if wanted.expires_after is None else wanted.expires_after.seconds
    service = call.files
    file_id = service.new_id(lifetime_s)

    async def create() -> Mapping[str, Any]:
        return call.shapes.file(await service.create(call.account_id, file_id, file, wanted.purpose, lifetime_s))

    async def undo(made_id: str) -> None:
        await service.discard(call.account_id, made_id)

    return await created_once(call, file_id, create, undo, status=200, counts=False)


@accounts_files.on("GET", "", query=FilesPage)
async def list_files(call: FileCall, wanted: FilesPage) -> Shown:
    """Lists the account's files, newest first unless asked otherwise."""
    if wanted.before_id:
        message = "'before_id' is not taken: pages go on from 'after_id'."
        raise InvalidRequest(message, param="before_id", code="unsupported_parameter")
    page = await call.files.page(
        call.account_id,
        limit=min(wanted.limit, PAGE_MAX),
        after=wanted.after or wanted.after_id or None,
        oldest_first=wanted.order == "asc",
        purpose=wanted.purpose,
    )
    return call.shapes.page(page)


@accounts_files.on("GET", "/{file_id}")
async def get_file(call: FileCall) -> Shown:
    """Shows one file."""
    return call.shapes.file(await call.files.find(call.account_id, call.path["file_id"]))


@accounts_files.on("GET", "/{file_id}/content")
async def get_file_content(call: FileCall) -> Shown:
    """Sends on to the content: an answer of ours could not be longer than 6 MB."""
    return Reply(b"", 302, {"Location": await call.files.content_url(call.account_id, call.path["file_id"])})


@accounts_files.on("DELETE", "/{file_id}")
async def delete_file(call: FileCall) -> Shown:
    """Deletes a file and its content."""
    file_id = call.path["file_id"]
    await call.files.delete(call.account_id, file_id)
    return call.shapes.deleted(file_id)

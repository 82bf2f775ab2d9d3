"""Media objects in a process's own memory, for tests and for programs without a bucket. Their addresses do not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from urllib.parse import quote

from gateway.errors import ServiceUnavailable
from gateway.ports.media import ObjectFacts, Part, UploadForm
from gateway.stores.aws.client import STORE_DOWN

URL_LIFETIME_S = 24 * 3600
BASE_URL = "https://media.invalid"


@dataclass(frozen=True, slots=True)
class _Upload:
    name: str
    mime_type: str
    bodies: dict[int, bytes] = field(default_factory=dict)


class MemoryMediaObjects:
    """`MediaObjects` in dictionaries."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}
        self._uploads: dict[str, _Upload] = {}
        self._begun = 0

    async def put(self, name: str, body: bytes, mime_type: str) -> None:
        self._objects[name] = (body, mime_type)

    async def facts(self, name: str) -> ObjectFacts | None:
        if name not in self._objects:
            return None
        body, mime_type = self._objects[name]
        return ObjectFacts(len(body), mime_type)

    async def read(self, name: str, first: int, last: int) -> bytes | None:
        return self._objects[name][0][first : last + 1] if name in self._objects else None

    async def delete(self, name: str) -> None:
        self._objects.pop(name, None)

    async def begin(self, name: str, mime_type: str) -> str:
        self._begun += 1
        upload_id = f"upload-{self._begun}"
        self._uploads[upload_id] = _Upload(name, mime_type)
        return upload_id

    async def parts(self, name: str, upload_id: str) -> Sequence[Part] | None:
        upload = self._open(name, upload_id)
        if upload is None:
            return None
        return [_part(number, upload.bodies[number]) for number in sorted(upload.bodies)]

    async def put_part(self, name: str, upload_id: str, number: int, body: bytes) -> Part:
        upload = self._open(name, upload_id)
        if upload is None:
            raise ServiceUnavailable(STORE_DOWN)
        upload.bodies[number] = body
        return _part(number, body)

    async def complete(self, name: str, upload_id: str, parts: Sequence[Part]) -> None:
        upload = self._open(name, upload_id)
        if upload is None:
            if name not in self._objects:
                raise ServiceUnavailable(STORE_DOWN)
            return
        body = b"".join(upload.bodies[part.number] for part in parts)
        self._objects[name] = (body, upload.mime_type)
        del self._uploads[upload_id]

    async def abort(self, name: str, upload_id: str) -> None:
        if self._open(name, upload_id) is not None:
            del self._uploads[upload_id]

    def address(self, name: str) -> str:
        return f"{BASE_URL}/{quote(name)}"

    async def url(self, name: str, now_s: float, *, file_name: str | None = None) -> str:
        disposition = "" if file_name is None else f"&file={quote(file_name, safe='')}"
        return f"{self.address(name)}?until={int(now_s) + URL_LIFETIME_S}{disposition}"

    async def form(self, name: str, mime_type: str, size_bytes: int, now_s: float) -> UploadForm:
        fields = {"key": name, "Content-Type": mime_type, "size": str(size_bytes), "from": str(int(now_s))}
        return UploadForm(f"{BASE_URL}/", fields)

    def _open(self, name: str, upload_id: str) -> _Upload | None:
        upload = self._uploads.get(upload_id)
        return upload if upload is not None and upload.name == name else None


def _part(number: int, body: bytes) -> Part:
    return Part(number, f'"{md5(body, usedforsecurity=False).hexdigest()}"', len(body))

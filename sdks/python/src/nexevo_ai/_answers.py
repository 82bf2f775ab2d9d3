"""Answers of both clients beside plain models: what a page knows, files, and raw responses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Generic, Optional, TypeVar, Union

import httpx
from pydantic import PrivateAttr

from nexevo_ai._errors import request_id_of, unreadable
from nexevo_ai._models import NexevoModel, parsed

T = TypeVar("T")
JSON_TYPE = "application/json"


class Page(NexevoModel, Generic[T]):
    """One page of a list; to iterate over it asks for the pages that follow."""

    data: list[T]
    has_more: bool = False
    next_cursor: Optional[str] = None
    last_id: Optional[str] = None
    _next: Any = PrivateAttr(default=None)

    @property
    def next_query(self) -> Optional[dict[str, str]]:
        """The query that asks for the page that follows, or `None` at the end."""
        if not self.has_more:
            return None
        if self.next_cursor:
            return {"cursor": self.next_cursor}
        return {"after": self.last_id} if self.last_id else None

    def __len__(self) -> int:
        return len(self.data)

    def __reduce__(self) -> Any:
        # Python cannot find the class of a page of one type by its name.
        kind: Any = type(self).__pydantic_generic_metadata__
        members = {**self.__dict__, **(self.model_extra or {})}
        return _page_of, (kind["origin"], kind["args"], members, self.model_fields_set, self._request_id)

    def __iter__(self) -> Any:
        # pydantic's would iterate over the fields of an async page.
        raise TypeError("a page of the async client is read by `async for`, and its own elements are its `data`")


def _page_of(kind: Any, of: Any, members: dict[str, Any], known: set[str], request_id: Optional[str]) -> Any:
    """The page of which `__reduce__` has told: it knows its own elements, and not how to ask for those that follow."""
    page = kind[of].model_construct(_fields_set=known, **members)
    page._request_id = request_id
    return page


class BinaryResponse:
    """A file or a text that was answered."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response

    @property
    def content(self) -> bytes:
        """The bytes."""
        return self.response.content

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.response.text

    @property
    def headers(self) -> httpx.Headers:
        """Headers of the answer."""
        return self.response.headers

    def read(self) -> bytes:
        """The bytes."""
        return self.response.content

    def iter_bytes(self, chunk_size: Optional[int] = None) -> Iterator[bytes]:
        """The bytes in pieces; `with_streaming_response` gives them as they come."""
        return self.response.iter_bytes(chunk_size)

    def write_to_file(self, path: Union[str, Path]) -> None:
        """Writes the bytes to a file."""
        Path(path).write_bytes(self.response.content)


class RawResponse(Generic[T]):
    """The answer with its headers; `parse` gives what the method gives by itself."""

    def __init__(self, response: httpx.Response, parse: Callable[[httpx.Response], T]) -> None:
        self.http_response = response
        self._parse = parse
        self._parsed: list[T] = []

    @property
    def headers(self) -> httpx.Headers:
        """Headers of the answer."""
        return self.http_response.headers

    @property
    def status_code(self) -> int:
        """The status."""
        return self.http_response.status_code

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request, for support."""
        return request_id_of(self.http_response.headers)

    def parse(self) -> T:
        """The answer as the method gives it, the same each time."""
        if not self._parsed:
            self._parsed.append(self._parse(self.http_response))
        return self._parsed[0]


def whole(kind: Any, answer: httpx.Response) -> Any:
    """The answer as the model, or as text; raises `APIError` for what no gateway answers with."""
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "text/html":
        raise unreadable(answer, "answers with HTML: is it the gateway's address?")
    if media != JSON_TYPE:
        return answer.text
    try:
        value = parsed(kind, answer.json())
    except ValueError:
        # The cause would show the content, which may be a person's.
        raise unreadable(answer, "answers with what is no JSON object.") from None
    if isinstance(value, NexevoModel):
        value._request_id = request_id_of(answer.headers)
    return value


def is_events(response: httpx.Response) -> bool:
    """True for a stream of events."""
    return bool(response.headers.get("content-type", "").lower().startswith("text/event-stream"))

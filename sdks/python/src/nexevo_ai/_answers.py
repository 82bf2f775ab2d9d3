"""Answers beside plain models: pages that go on, files, and raw responses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator, Iterator
from functools import wraps
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Generic,
    Optional,
    TypeVar,
    Union,
)

import httpx
from pydantic import PrivateAttr

from nexevo_ai._errors import request_id_of, unreadable
from nexevo_ai._models import NexevoModel, parsed

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")
R = TypeVar("R")
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


class SyncPage(Page[T], Generic[T]):
    """One page of a list; `for each in page` reads all pages."""

    _next: Optional[Callable[[dict[str, str]], SyncPage[T]]] = PrivateAttr(default=None)

    def next_page(self) -> Optional[SyncPage[T]]:
        """The page that follows, or `None` at the end."""
        query = self.next_query
        return None if query is None or self._next is None else self._next(query)

    def pages(self) -> Iterator[SyncPage[T]]:
        """Iterates over this page and those that follow."""
        page: Optional[SyncPage[T]] = self
        while page is not None:
            yield page
            page = page.next_page()

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]  # pydantic's iterates over fields
        for page in self.pages():
            yield from page.data


class AsyncPage(Page[T], Generic[T]):
    """One page of a list; `async for each in page` reads all pages."""

    _next: Optional[Callable[[dict[str, str]], Awaitable[AsyncPage[T]]]] = PrivateAttr(default=None)

    async def next_page(self) -> Optional[AsyncPage[T]]:
        """The page that follows, or `None` at the end."""
        query = self.next_query
        return None if query is None or self._next is None else await self._next(query)

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """Iterates over this page and those that follow."""
        page: Optional[AsyncPage[T]] = self
        while page is not None:
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for each in page.data:
                yield each


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


class StreamedResponse(RawResponse[Any]):
    """An answer whose body is not read yet: by its bytes or lines as they come, or whole."""

    def iter_bytes(self, chunk_size: Optional[int] = None) -> Iterator[bytes]:
        """The bytes, as they come."""
        return self.http_response.iter_bytes(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        """The lines, as they come."""
        return self.http_response.iter_lines()

    def read(self) -> bytes:
        """The whole body."""
        return self.http_response.read()

    def parse(self) -> Any:
        """The answer as the method gives it."""
        if not is_events(self.http_response):
            self.read()
        return super().parse()

    def stream_to_file(self, path: Union[str, Path]) -> None:
        """Writes the bytes to a file as they come."""
        with Path(path).open("wb") as file:
            file.writelines(self.iter_bytes())


class AsyncStreamedResponse(RawResponse[Any]):
    """An answer whose body is not read yet: by its bytes or lines as they come, or whole."""

    def iter_bytes(self, chunk_size: Optional[int] = None) -> AsyncIterator[bytes]:
        """The bytes, as they come."""
        return self.http_response.aiter_bytes(chunk_size)

    def iter_lines(self) -> AsyncIterator[str]:
        """The lines, as they come."""
        return self.http_response.aiter_lines()

    async def read(self) -> bytes:
        """The whole body."""
        return await self.http_response.aread()

    async def parse(self) -> Any:
        """The answer as the method gives it."""
        if not is_events(self.http_response):
            await self.read()
        return super().parse()

    async def stream_to_file(self, path: Union[str, Path]) -> None:
        """Writes the bytes to a file as they come."""
        with Path(path).open("wb") as file:  # noqa: ASYNC230  # a piece is small
            async for piece in self.iter_bytes():
                file.write(piece)


def whole(kind: Any, answer: httpx.Response) -> Any:
    """The answer as the model, or as text; raises `APIError` for what no gateway answers with."""
    media = answer.headers.get("content-type", "").partition(";")[0]
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
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


class Streamed:
    """Methods of a part of the API, each of which gives a context manager of an answer whose body is still to come."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._resource, name)
        if not callable(found):
            return Streamed(found)
        return lambda *args, **params: Opened(lambda: found(*args, **params))


class Opened:
    """Context manager, sync or async, of an answer whose body is still to come."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._answer: Any = None

    def __enter__(self) -> StreamedResponse:
        self._answer = self._ask()
        answer: StreamedResponse = self._answer
        return answer

    def __exit__(self, *_: object) -> None:
        self._answer.http_response.close()

    async def __aenter__(self) -> AsyncStreamedResponse:
        self._answer = await self._ask()
        answer: AsyncStreamedResponse = self._answer
        return answer

    async def __aexit__(self, *_: object) -> None:
        await self._answer.http_response.aclose()


class Deferred(Generic[R]):
    """A value that brings many, still to be awaited; `async for` and `async with` await it themselves."""

    def __init__(self, ask: Callable[[], Awaitable[R]]) -> None:
        self._ask = ask
        self._found: Any = None

    def __await__(self) -> Generator[Any, Any, R]:
        return self._ask().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        found: Any = await self
        async for each in found:
            yield each

    async def __aenter__(self) -> R:
        self._found = await self
        entered: R = await self._found.__aenter__()
        return entered

    async def __aexit__(self, *error: object) -> None:
        await self._found.__aexit__(*error)


def deferred(method: Callable[P, Awaitable[R]]) -> Callable[P, Deferred[R]]:
    """Has an async method give what can also be iterated over, or entered, without `await`."""

    @wraps(method)
    def begun(*args: P.args, **params: P.kwargs) -> Deferred[R]:
        return Deferred(lambda: method(*args, **params))

    return begun

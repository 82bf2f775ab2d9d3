"""Answers of the async client beside plain models: pages that go on, and answers whose body is read as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from pydantic import PrivateAttr

from nexevo_ai._answers import Page, RawResponse, is_events
from nexevo_ai._client import named_failures

T = TypeVar("T")


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

    async def __aiter__(self) -> AsyncIterator[T]:  # type: ignore[override,unused-ignore]  # pydantic's of the twin
        async for page in self.pages():
            for each in page.data:
                yield each


class AsyncStreamedResponse(RawResponse[Any]):
    """An answer whose body is not read yet: by its bytes or lines as they come, or whole."""

    async def iter_bytes(self, chunk_size: Optional[int] = None) -> AsyncIterator[bytes]:
        """The bytes, as they come."""
        with named_failures(self.http_response):
            async for piece in self.http_response.aiter_bytes(chunk_size):
                yield piece

    async def iter_lines(self) -> AsyncIterator[str]:
        """The lines, as they come."""
        with named_failures(self.http_response):
            async for line in self.http_response.aiter_lines():
                yield line

    async def read(self) -> bytes:
        """The whole body."""
        with named_failures(self.http_response):
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


class AsyncStreamed:
    """Methods of a part of the API, each of which gives a context manager of an answer whose body is still to come."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._resource, name)
        if not callable(found):
            return AsyncStreamed(found)
        return lambda *args, **params: AsyncOpened(lambda: found(*args, **params))


class AsyncOpened:
    """Context manager of an answer whose body is still to come."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._answer: Any = None

    async def __aenter__(self) -> AsyncStreamedResponse:
        self._answer = await self._ask()
        answer: AsyncStreamedResponse = self._answer
        return answer

    async def __aexit__(self, *_: object) -> None:
        await self._answer.http_response.aclose()

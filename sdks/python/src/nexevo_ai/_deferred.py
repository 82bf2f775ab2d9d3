"""Awaitables of the async client that bring many values: they need no `await` to be iterated over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

R = TypeVar("R")


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

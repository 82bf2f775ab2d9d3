"""Tests of the Runtime API with a hand-written client: its answers, and its treatment of a runtime's answers."""

import asyncio
from collections.abc import Awaitable, Callable

import h11
import pytest

from local.invocation import FunctionFailed, Invocation
from local.limits import Limits
from local.runtime_api import RuntimeApi
from tests.hangs import HANGS_AFTER_S

PREFIX = "/2018-06-01/runtime"


class Runtime:
    """A runtime's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        head = {"Host": "runtime", "Content-Length": str(len(body)), **(headers or {})}
        self.send(h11.Request(method=method, target=PREFIX + path, headers=list(head.items())))
        self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage())
        return await self.answer()

    def begin_stream(self, request_id: str, headers: dict[str, str]) -> None:
        head = {"Host": "runtime", "Transfer-Encoding": "chunked", **headers}
        target = f"{PREFIX}/invocation/{request_id}/response"
        self.send(h11.Request(method="POST", target=target, headers=list(head.items())))

    def send(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = 0, {}, b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode().lower(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._http.start_next_cycle()
                return status, headers, body

    def close(self) -> None:
        self._writer.close()


Script = Callable[[RuntimeApi, Runtime], Awaitable[None]]
STREAMING = {"Lambda-Runtime-Function-Response-Mode": "streaming"}


def run(script: Script, limits: Limits | None = None) -> None:
    async def main() -> None:
        api = RuntimeApi(limits or Limits(), timeout_s=7)
        host, port = (await api.start()).split(":")
        runtime = Runtime(*await asyncio.open_connection(host, int(port)))
        async with asyncio.timeout(HANGS_AFTER_S):
            await script(api, runtime)
        runtime.close()
        api.process_ended(FunctionFailed("Runtime.ExitError", b""))

    asyncio.run(main())


def invocation(request_id: str = "one") -> Invocation:
    return Invocation(request_id, "arn:aws:lambda:::function:f", "Root=1-2-3", b'{"a":1}')


async def begun(api: RuntimeApi, runtime: Runtime) -> Invocation:
    """Starts an invocation that the runtime has taken."""
    one = invocation()
    api.submit(one)
    await runtime.call("GET", "/invocation/next")
    return one


def test_next_waits_for_an_event_and_tells_all_about_it() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        polling = asyncio.ensure_future(runtime.call("GET", "/invocation/next"))
        await api.waiting.wait()
        assert not polling.done()
        one = invocation()
        api.submit(one)
        status, headers, body = await polling
        told = {name: value for name, value in headers.items() if name.startswith("lambda-runtime")}
        assert (status, body) == (200, b'{"a":1}')
        assert told == {
            "lambda-runtime-aws-request-id": "one",
            "lambda-runtime-deadline-ms": str(one.deadline_ms),
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:::function:f",
            "lambda-runtime-trace-id": "Root=1-2-3",
        }

    run(script)


def test_a_buffered_response_is_the_answer() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        status, _headers, body = await runtime.call("POST", "/invocation/one/response", b"answer")
        assert (status, body, await one.read()) == (202, b'{"status":"OK"}\n', b"answer")

    run(script)


def test_each_streamed_chunk_is_handed_on_before_the_next_is_sent() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        chunks = one.chunks()
        runtime.begin_stream("one", STREAMING)
        for chunk in (b"first", b"second"):
            runtime.send(h11.Data(data=chunk))
            assert await anext(chunks) == chunk
        runtime.send(h11.EndOfMessage())
        assert (await runtime.answer())[0] == 202
        assert [chunk async for chunk in chunks] == []

    run(script)


def test_trailers_fail_a_stream_with_their_error() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        runtime.begin_stream("one", {**STREAMING, "Trailer": "Lambda-Runtime-Function-Error-Type"})
        runtime.send(h11.Data(data=b"begun"))
        trailers = [
            ("Lambda-Runtime-Function-Error-Type", "Runtime.Broken"),
            ("Lambda-Runtime-Function-Error-Body", "eyJhIjoxfQ=="),
        ]
        runtime.send(h11.EndOfMessage(headers=trailers))
        await runtime.answer()
        with pytest.raises(FunctionFailed) as failed:
            await one.read()
        assert (failed.value.error_type, failed.value.payload) == ("Runtime.Broken", b'{"a":1}')

    run(script)


def test_a_connection_that_breaks_within_a_stream_fails_it() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        runtime.begin_stream("one", STREAMING)
        runtime.send(h11.Data(data=b"begun"))
        chunks = one.chunks()
        assert await anext(chunks) == b"begun"
        runtime.close()
        with pytest.raises(FunctionFailed):
            await anext(chunks)
        assert api.broken

    run(script)


def test_an_error_fails_the_invocation() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        headers = {"Lambda-Runtime-Function-Error-Type": "Function.Broken"}
        status, _headers, _body = await runtime.call("POST", "/invocation/one/error", b"{}", headers)
        with pytest.raises(FunctionFailed) as failed:
            await one.read()
        assert (status, failed.value.error_type) == (202, "Function.Broken")

    run(script)


def test_an_error_of_initialisation_fails_the_invocation_that_waits() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = invocation()
        api.submit(one)
        status, _headers, _body = await runtime.call("POST", "/init/error", b'{"errorType": "X"}')
        with pytest.raises(FunctionFailed):
            await one.read()
        assert status == 202

    run(script)


@pytest.mark.parametrize("outcome", ["response", "error"])
def test_an_unknown_request_id_is_a_400(outcome: str) -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        status, _headers, body = await runtime.call("POST", f"/invocation/two/{outcome}", b"x")
        assert (status, b"InvalidRequestID" in body, one.finished.is_set()) == (400, True, False)

    run(script)


def test_a_second_response_is_a_403_and_changes_nothing() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        await runtime.call("POST", "/invocation/one/response", b"first")
        status, _headers, body = await runtime.call("POST", "/invocation/one/response", b"second")
        assert (status, b"InvalidStateTransition" in body) == (403, True)
        assert await one.read() == b"first"

    run(script)


def test_a_buffered_response_over_the_limit_is_a_413() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        status, _headers, body = await runtime.call("POST", "/invocation/one/response", b"x" * 101)
        with pytest.raises(FunctionFailed) as failed:
            await one.read()
        assert (status, failed.value.error_type) == (413, "Function.ResponseSizeTooLarge")
        assert b"RequestEntityTooLarge" in body

    run(script, Limits(response_bytes=100))


def test_a_streamed_response_over_the_limit_is_cut() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        runtime.begin_stream("one", STREAMING)
        runtime.send(h11.Data(data=b"x" * 100))
        runtime.send(h11.Data(data=b"y"))
        runtime.send(h11.EndOfMessage())
        assert (await runtime.answer())[0] == 413
        with pytest.raises(FunctionFailed):
            await one.read()

    run(script, Limits(streamed_bytes=100))


def test_a_reader_that_lags_holds_the_runtime_back() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        pushing = asyncio.ensure_future(_push(one, chunks=5))
        await asyncio.wait([pushing], timeout=0.05)
        assert not pushing.done()
        assert len(b"".join([await anext(one.chunks()) for _ in range(5)])) == 5 * 512 * 1024
        await pushing

    run(script)


def test_an_answer_that_its_client_stops_reading_does_not_hold_the_runtime_back() -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        one = await begun(api, runtime)
        pushing = asyncio.ensure_future(_push(one, chunks=5))
        await asyncio.wait([pushing], timeout=0.05)
        one.abandon()
        await pushing

    run(script)


async def _push(one: Invocation, chunks: int) -> None:
    for _ in range(chunks):
        await one.push(b"x" * 512 * 1024)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/restore/next", 200), ("POST", "/restore/error", 202)])
def test_snapstarts_paths_answer(method: str, path: str, status: int) -> None:
    async def script(_api: RuntimeApi, runtime: Runtime) -> None:
        assert (await runtime.call(method, path))[0] == status

    run(script)


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_a_page_in_a_browser_takes_no_event(header: str) -> None:
    async def script(api: RuntimeApi, runtime: Runtime) -> None:
        api.submit(invocation())
        status, _headers, body = await runtime.call("GET", "/invocation/next", headers={header: "cross-site"})
        assert (status, b'{"a":1}' in body) == (403, False)
        status, _headers, body = await runtime.call("GET", "/invocation/next")
        assert (status, body) == (200, b'{"a":1}')

    run(script)


def test_another_path_is_a_404() -> None:
    async def script(_api: RuntimeApi, runtime: Runtime) -> None:
        assert (await runtime.call("GET", "/nothing"))[0] == 404

    run(script)

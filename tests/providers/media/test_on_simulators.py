"""Tests of every vendor's row against its simulator over a socket: from the order to the file, and failures."""

import http.server
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace

from gateway.canonical.media import Done, Failed, MediaOrder, Moved, Output, ProviderAnswer, ReferenceImage, Running
from gateway.errors import AuthenticationFailed, InvalidRequest, UpstreamError, UpstreamOverloaded
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.media.registry import MEDIA_VENDORS
from gateway.providers.media.vendor import MediaVendor
from tests.hangs import HANGS_AFTER_S

VIDEO = {
    "gemini": ("veo-3.1-fast-generate-preview", "8"),
    "vertex": ("veo-3.1-generate-001", "4"),
    "dashscope": ("wan2.6/720P", "5"),
    "runway": ("gen4.5", "5"),
    "luma": ("ray-2", "9"),
    "xai": ("grok-imagine-video", "8"),
    "replicate": ("minimax/hailuo-02", "6"),
    "fal": ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "5"),
    "kling": ("kling-v2-6", "10"),
}
MODEL_3D = {"meshy": "meshy-6", "tencent": "3.1"}
NAMES = [*VIDEO, *MODEL_3D]
# A secret of a webhook, or the id of an account.
ANOTHER_ACCOUNTS = "whsec_YW5vdGhlci1hY2NvdW50"
UNSTOPPABLE = {"gemini", "vertex", "xai", "kling", "tencent"}
IMAGE = ReferenceImage("https://files.example/a.png", "image/png", b"\x89PNG")


class Wire:
    """One vendor's row and account, with the calls over the socket."""

    def __init__(self, name: str, credential: Credential, client: httpx.Client) -> None:
        self.name = name
        self.vendor: MediaVendor = MEDIA_VENDORS[name]
        self.credential = credential
        self._client = client

    @property
    def root(self) -> str:
        """Returns the simulator's address."""
        parts = urlsplit(self.credential.base_url or "")
        return f"{parts.scheme}://{parts.netloc}"

    def send(self, request: UpstreamRequest) -> ProviderAnswer:
        told = self._client.request(request.method, request.url, headers=list(request.headers), content=request.body)
        return ProviderAnswer(
            told.status_code, {name.lower(): value for name, value in told.headers.items()}, told.content
        )

    def order(self, prompt: str | None, **given: Any) -> MediaOrder:
        if self.name in VIDEO:
            model, seconds = VIDEO[self.name]
            given = {"duration_s": Decimal(seconds), "aspect_ratio": "16:9"} | given
        else:
            model = MODEL_3D[self.name]
        return MediaOrder(model=model, attempt_id="gen_1-1", prompt=prompt, **given)

    def submit(self, order: MediaOrder) -> str:
        return self.vendor.accepted(self.send(self.vendor.submit(order, self.credential, time.time())))

    def state(self, handle: str) -> Any:
        """Asks for the state as the engine does, and at once at another address if told to."""
        told: Any = Moved(handle)
        while isinstance(told, Moved):
            answer = self.send(self.vendor.poll(told.handle, self.credential, time.time()))
            told = self.vendor.state(told.handle, answer, self.credential)
        return told

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self._client.get(url, headers=headers)

    def downloaded(self, output: Output) -> bytes:
        """Returns the file, which one vendor sends with its answer."""
        if output.content is not None:
            return output.content
        told = self.get(output.url or "", **dict(output.headers))
        assert (told.status_code, told.headers["content-type"]) == (200, output.mime_type)
        return told.content

    def task(self, handle: str) -> Any:
        """Returns the simulator's own description of the task."""
        told = self._client.get(f"{self.root}/_sim/media/tasks").json()["tasks"]
        return next(task for task in told if task["vendor"] == self.name and task["handle"] in handle)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=HANGS_AFTER_S) as made:
        yield made


@pytest.fixture(params=NAMES)
def wire(request: pytest.FixtureRequest, credentials: dict[str, Credential], client: httpx.Client) -> Wire:
    return Wire(request.param, credentials[request.param], client)


def said(words: str) -> str:
    return f"a red cube [[sim: {words}]]"


def test_a_text_becomes_a_file(wire: Wire) -> None:
    state = wire.state(wire.submit(wire.order(said("media_s=0"))))
    assert isinstance(state, Done)
    content = wire.downloaded(state.outputs[0])
    assert content[4:8] == b"ftyp" if wire.name in VIDEO else content[:4] == b"glTF"


def test_an_image_is_where_a_task_can_start(wire: Wire) -> None:
    prompt = None if wire.name == "tencent" else said("media_s=60")
    assert isinstance(wire.state(wire.submit(wire.order(prompt, reference=IMAGE))), Running | Done)


@pytest.mark.parametrize("wire", [name for name in NAMES if name not in {"gemini", "vertex"}], indirect=True)
@pytest.mark.parametrize(("address", "kind"), [("/files/image.png", Done), ("/files/none.png", Failed)])
def test_an_image_is_read_from_its_address(wire: Wire, address: str, kind: type) -> None:
    image = replace(IMAGE, url=wire.root + address)
    prompt = None if wire.name == "tencent" else "a red cube"
    handle = wire.submit(wire.order(prompt, reference=image))
    while isinstance(state := wire.state(handle), Running):
        time.sleep(0.05)
    assert isinstance(state, kind)


def test_a_task_that_takes_long_runs(wire: Wire) -> None:
    assert isinstance(wire.state(wire.submit(wire.order(said("media_s=60")))), Running)


def test_a_late_task_runs_beyond_its_time(wire: Wire) -> None:
    assert isinstance(wire.state(wire.submit(wire.order(said("media_s=6 media_late")))), Running)


@pytest.mark.parametrize(("why", "retryable"), [("internal", True), ("moderation", False)])
def test_a_task_that_fails_says_so(wire: Wire, why: str, retryable: bool) -> None:
    state = wire.state(wire.submit(wire.order(said(f"media_s=0 media_fail={why}"))))
    assert isinstance(state, Failed)
    # Meshy gives no reason that a program could read.
    assert state.error.retryable is (retryable or wire.name == "meshy")


def test_a_failure_that_the_simulator_does_not_know_is_refused(wire: Wire) -> None:
    with pytest.raises(InvalidRequest):
        wire.submit(wire.order(said("media_fail=whim")))


def test_a_task_that_the_vendor_forgot_is_lost(wire: Wire) -> None:
    state = wire.state(wire.submit(wire.order(said("media_lost"))))
    assert isinstance(state, Failed)
    assert state.error.code == "task_lost"


def test_a_submission_meets_a_failure_and_a_full_queue_and_a_cut(wire: Wire) -> None:
    order = wire.order(said("media_s=0 media_submit_errors=3"))
    with pytest.raises(UpstreamError):
        wire.submit(order)
    with pytest.raises(UpstreamOverloaded):
        wire.submit(order)
    with pytest.raises(httpx.RemoteProtocolError):
        wire.submit(order)
    assert isinstance(wire.state(wire.submit(order)), Done)


def test_polls_meet_the_same_and_then_the_task(wire: Wire) -> None:
    handle = wire.submit(wire.order(said("media_s=0 media_poll_errors=3")))
    with pytest.raises(UpstreamError):
        wire.state(handle)
    with pytest.raises(UpstreamOverloaded):
        wire.state(handle)
    with pytest.raises(httpx.RemoteProtocolError):
        wire.state(handle)
    assert isinstance(wire.state(handle), Done)


def test_a_key_that_is_not_the_accounts_is_the_deployments_fault(wire: Wire) -> None:
    wire.credential = replace(wire.credential, api_key="another-key")
    with pytest.raises(UpstreamError) as caught:
        wire.submit(wire.order("a red cube"))
    assert not caught.value.retryable


def test_what_the_vendor_does_not_take_is_refused_in_its_words(wire: Wire) -> None:
    wrong = {"duration_s": Decimal(31)} if wire.name in VIDEO else {"reference": replace(IMAGE, url="ftp://x")}
    with pytest.raises(InvalidRequest) as caught:
        wire.submit(wire.order(None if wire.name == "tencent" else "a red cube", **wrong))
    assert caught.value.message


def test_a_task_can_be_stopped_where_the_vendor_can(wire: Wire) -> None:
    if wire.vendor.cancel is None:
        assert wire.name in UNSTOPPABLE
        return
    handle = wire.submit(wire.order(said("media_s=60")))
    assert wire.send(wire.vendor.cancel(handle, wire.credential, time.time())).status < 300
    assert wire.task(handle)["canceled"] is True


@pytest.mark.parametrize("wire", [name for name in NAMES if name != "vertex"], indirect=True)
def test_a_download_is_cut_once_and_goes_on_where_it_was(wire: Wire) -> None:
    state = wire.state(wire.submit(wire.order(said("media_s=0 media_cut=1000 media_bytes=200000"))))
    url, headers = state.outputs[0].url, dict(state.outputs[0].headers)
    with pytest.raises(httpx.RemoteProtocolError):
        wire.get(url, **headers)
    rest = wire.get(url, range="bytes=1000-", **headers)
    whole = wire.get(url, **headers)
    assert (rest.status_code, rest.headers["content-range"]) == (206, "bytes 1000-199999/200000")
    assert rest.content == whole.content[1000:]


@pytest.mark.parametrize("wire", ["vertex"], indirect=True)
def test_an_answer_that_is_the_file_is_cut_once(wire: Wire) -> None:
    handle = wire.submit(wire.order(said("media_s=0 media_cut=1000 media_bytes=200000")))
    with pytest.raises(httpx.RemoteProtocolError):
        wire.state(handle)
    assert len(wire.downloaded(wire.state(handle).outputs[0])) == 200_000


class Receiver(http.server.HTTPServer):
    """An HTTP server that takes the deliveries of a task."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[dict[str, str], bytes]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        server.timeout = HANGS_AFTER_S
        yield server


@pytest.mark.parametrize("wire", ["replicate", "fal"], indirect=True)
@pytest.mark.parametrize("failing", ["", " media_fail=internal"])
def test_a_call_back_comes_as_often_as_it_is_said_and_is_the_vendors(
    wire: Wire, receiver: Receiver, failing: str
) -> None:
    url = f"http://127.0.0.1:{receiver.server_port}/v1/callbacks/{wire.name}/gen_7/2"
    handle = wire.submit(wire.order(said(f"media_s=0 media_callback=2{failing}"), callback_url=url))
    for _ in range(2):
        receiver.handle_request()
    assert wire.task(handle)["attempt"] == "gen_7-2"
    callback = wire.vendor.callback
    assert callback is not None
    assert callback.usable(wire.credential)
    another = replace(wire.credential, extra={**wire.credential.extra, callback.needs: ANOTHER_ACCOUNTS})
    keys = b"" if callback.keys is None else wire.send(callback.keys(wire.credential)).body
    assert len(receiver.taken) == 2
    for headers, body in receiver.taken:
        callback.verify(headers, body, wire.credential, keys, time.time())
        for account, sent in ((wire.credential, body + b" "), (another, body)):
            with pytest.raises(AuthenticationFailed):
                callback.verify(headers, sent, account, keys, time.time())


@pytest.mark.parametrize("wire", ["replicate"], indirect=True)
def test_no_call_back_comes_where_none_is_to(wire: Wire, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.server_port}/v1/callbacks/replicate/gen_8/1"
    silent = wire.submit(wire.order(said("media_s=0 media_callback=0"), callback_url=url))
    wire.submit(wire.order(said("media_s=0"), callback_url=url))
    receiver.handle_request()
    assert silent.encode() not in receiver.taken[0][1]


def test_every_row_is_tried_here() -> None:
    assert set(NAMES) == set(MEDIA_VENDORS)
    assert all(MEDIA_VENDORS[name].name == name for name in NAMES)

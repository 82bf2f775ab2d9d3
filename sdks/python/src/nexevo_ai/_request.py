"""Requests as values, and the rules of retries: all that the sync and the async client share."""

from __future__ import annotations

import email.utils
import json
import os
import random
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional, Protocol, TypedDict, Union
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from nexevo_ai._errors import NexevoError
from nexevo_ai._version import __version__

DEFAULT_BASE_URL = "https://api.nexevo.ai/v1"
DEFAULT_MAX_RETRIES = 2
# A whole answer may take as long as the gateway lets a function run.
DEFAULT_TIMEOUT = httpx.Timeout(900.0, connect=10.0)
IDEMPOTENCY_KEY = "Idempotency-Key"
# A tab may stand within a header.
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
BYTES = (bytes, bytearray, memoryview)
RETRIED = {408, 409, 429}
DELAY_FIRST_S, DELAY_MAX_S, RETRY_AFTER_MAX_S = 0.5, 8.0, 60.0

Timeout = Union[float, httpx.Timeout, None]
Amount = Union[str, int, float, Decimal]


class Readable(Protocol):
    """A file that is open for bytes."""

    def read(self) -> bytes:
        """The bytes that follow."""


File = Union[bytes, bytearray, memoryview, Readable, "os.PathLike[str]"]
# A file, with a name and a type where these should be others than its own.
FileContent = Union[File, "tuple[str, File]", "tuple[str, File, str]"]


class NotGiven:
    """Stands for an argument that was left out, where `None` means something."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()


class RequestOptions(TypedDict, total=False):
    """Options of one request, which every method takes by keyword."""

    extra_headers: Mapping[str, Optional[str]]
    extra_query: Mapping[str, Any]
    extra_body: Mapping[str, Any]
    timeout: Timeout
    max_retries: int
    idempotency_key: str


OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "max_retries", "idempotency_key")


@dataclass
class Call:
    """One request as a method describes it."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    # A traceback that shows the values of its frames shows no content and no key.
    body: Optional[dict[str, Any]] = field(default=None, repr=False)
    headers: dict[str, Optional[str]] = field(default_factory=dict, repr=False)
    is_form: bool = False
    needs_key: bool = True
    is_once: bool = False
    timeout: Union[Timeout, NotGiven] = NOT_GIVEN
    max_retries: Optional[int] = None

    def with_options(self, options: Mapping[str, Any]) -> Call:
        """Takes the options of a request out of its arguments."""
        self.headers.update(options.get("extra_headers") or {})
        self.query.update(options.get("extra_query") or {})
        if options.get("extra_body"):
            self.body = {**(self.body or {}), **options["extra_body"]}
        self.timeout = options.get("timeout", NOT_GIVEN)
        retries = options.get("max_retries")
        self.max_retries = None if isinstance(retries, NotGiven) else retries
        if options.get("idempotency_key"):
            self.headers[IDEMPOTENCY_KEY] = options["idempotency_key"]
        return self

    def followed(self, method: str, path: str, **more: Any) -> Call:
        """Another call for the same caller: with its patience and headers, without the key of what was begun."""
        kept = {name: text for name, text in self.headers.items() if not is_idempotency_key(name)}
        headers = {**kept, **more.pop("headers", {})}
        return Call(method, path, headers=headers, timeout=self.timeout, max_retries=self.max_retries, **more)


def call_of(
    method: str,
    path: str,
    arguments: Mapping[str, Any],
    query: tuple[str, ...] = (),
    body: Optional[tuple[str, ...]] = None,
    **more: Any,
) -> Call:
    """Sorts the arguments of a method: options, parameters of the query, and members of the body.

    A member of the body may have the name of an option, as `idempotency_key` of a top-up has; the body gets it.
    """
    taken = set(body or ())
    options = {name: arguments[name] for name in OPTIONS if name in arguments and name not in taken}
    call = Call(method, path, **more)
    given = {name: value for name, value in arguments.items() if not isinstance(value, NotGiven)}
    call.query = {name: given[name] for name in query if given.get(name) is not None}
    rest = {name: value for name, value in given.items() if name not in options and name not in query}
    if call.is_form:
        rest = {name: again_readable(name, value) for name, value in rest.items()}
    call.body = rest if body is not None or rest else None
    call.with_options(options)
    has_key = any(is_idempotency_key(name) for name in call.headers)
    if call.is_once and not has_key and not (call.body or {}).get("idempotency_key"):
        call.headers[IDEMPOTENCY_KEY] = f"nexevo-py-{uuid.uuid4()}"
    return call


def path_part(value: str, *, slashes: bool = False) -> str:
    """The value as a part of a path; raises `ValueError` for one that leads to another path."""
    if not value:
        raise ValueError("an id in a path should not be empty")
    # The HTTP client resolves these before it sends: memory.delete("../keys/key_1") would delete a key.
    if not {".", ".."}.isdisjoint(value.split("/") if slashes else [value]):
        raise ValueError(f"{value!r} is no id: it leads to another path")
    return quote(value, safe="/" if slashes else "")


def root_of(base_url: Optional[str]) -> str:
    """The address of the API without its version, from that of the OpenAI-compatible endpoints or its own."""
    url = (base_url or os.environ.get("NEXEVO_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
    try:
        is_good = url.startswith(("http://", "https://")) and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        is_good = False
    if not is_good:
        raise NexevoError(f"The base URL should begin as {DEFAULT_BASE_URL} does, with scheme and host: {url!r}.")
    return url.removesuffix("/v1")


class Key(str):
    """A key or a header with one, whose `repr` does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(redacted(self))


def look_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Takes out of a request's options those of the looks that follow it: what began the work is sent once."""
    kept = {name: params[name] for name in ("extra_headers", "extra_query", "timeout", "max_retries") if name in params}
    headers = dict(kept.get("extra_headers") or {})
    return {**kept, "extra_headers": {name: text for name, text in headers.items() if not is_idempotency_key(name)}}


def is_idempotency_key(name: str) -> bool:
    """True for the name of the header that makes a repeat harmless."""
    return name.lower() == IDEMPOTENCY_KEY.lower()


def redacted(key: Optional[str]) -> str:
    """The key as it may be shown."""
    return "None" if not key else f"{key[:6] if key.startswith('sk-xc-') else ''}…"


def jsonable(value: Any) -> Any:
    """Values that JSON has no form for: exact amounts are text, models are their members."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is ...:
        # Documents write it for what they leave out, in code that is run as it is written.
        return "..."
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    # A list of numbers is not what bytes mean.
    if hasattr(value, "__iter__") and not isinstance(value, BYTES):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def content_of(call: Call) -> dict[str, Any]:
    """The body, in the arguments of httpx."""
    if call.body is None:
        return {}
    if call.is_form:
        return form_of(call.body)
    text = json.dumps(call.body, default=jsonable, ensure_ascii=False, allow_nan=False)
    return {"content": text.encode()}


def again_readable(name: str, value: Any) -> Any:
    """The value, whose files that cannot be wound back are read: each try of a request sends them whole."""
    if isinstance(value, list):
        return [again_readable(name, each) for each in value]
    if isinstance(value, tuple) and len(value) > 1:
        return (value[0], content_of_file(value[1]), *value[2:])
    content = content_of_file(value)
    return value if content is value else (name_of_file(value) or name, content)


def content_of_file(file: Any) -> Any:
    """The file, or its bytes where it cannot be wound back."""
    if isinstance(file, os.PathLike):
        return Path(file).read_bytes()
    if isinstance(file, BYTES):
        return bytes(file)
    can_seek = getattr(file, "seekable", lambda: hasattr(file, "seek"))
    return file if not hasattr(file, "read") or can_seek() else file.read()


def name_of_file(file: Any) -> str:
    """The name of an open file or of a path, without its folders; empty where there is none."""
    name = file if isinstance(file, os.PathLike) else getattr(file, "name", "")
    # The name of a file that was opened by its number is that.
    return "" if isinstance(name, int) else Path(name).name


def file_part(file: FileContent, filename: Optional[str], content_type: Optional[str]) -> Any:
    """The file as a part of a form, under a name and with a type of its own where these are not given."""
    if isinstance(file, tuple):
        own_name, file, *own_type = file
        filename, content_type = filename or own_name, content_type or next(iter(own_type), None)
    if isinstance(file, str):
        raise TypeError("a file is bytes, open for bytes, or a pathlib.Path; this is text")
    part = (filename or name_of_file(file) or "image", file)
    return part if content_type is None else (*part, content_type)


def form_of(members: Mapping[str, Any]) -> dict[str, Any]:
    """A form: files as parts, lists as repeated fields, objects as JSON."""
    files: list[tuple[str, Any]] = []
    data: dict[str, Any] = {}
    for name, value in members.items():
        many = isinstance(value, list)
        for each in value if many else [value]:
            shown = f"{name}[]" if many else name
            if each is None:
                continue
            if isinstance(each, bytes):
                files.append((shown, (name, each)))
            elif isinstance(each, tuple) or hasattr(each, "read"):
                files.append((shown, each))
            else:
                data.setdefault(shown, []).append(_field(name, each))
    return {"data": data, "files": files}


def _field(name: str, value: Any) -> str:
    if isinstance(value, (dict, bool, BaseModel)):
        return json.dumps(value, default=jsonable)
    text = value if isinstance(value, (str, int, float)) else jsonable(value)
    if isinstance(text, list):
        raise TypeError(f"{name}: {type(value).__name__} cannot be sent in a form")
    return str(text)


def headers_of(
    call: Call, key: Optional[str], organization: Optional[str], more: Mapping[str, Optional[str]]
) -> httpx.Headers:
    """The headers of a request. Each name is there once, however it is written; `None` leaves one out."""
    headers: dict[str, Optional[str]] = {"Accept": "application/json", "User-Agent": f"nexevo-ai-python/{__version__}"}
    if key:
        headers["Authorization"] = Key(f"Bearer {key}")
    if call.body is not None and not call.is_form:
        headers["Content-Type"] = "application/json"
    if organization:
        headers["X-Nexevo-Organization"] = organization
    found = httpx.Headers()
    for name, text in (*headers.items(), *more.items(), *call.headers.items()):
        if text is not None:
            check_header(name, text)
            found[name] = text
        elif name in found:
            del found[name]
    return found


def check_header(name: str, text: str) -> None:
    """Raises for a header that cannot be sent, without its value: what the HTTP client raises shows the key."""
    is_secret = name.lower() == "authorization"
    if CONTROLS.search(text) or text != text.strip() or (is_secret and not text.isascii()):
        named = "The API key" if is_secret else f"The header {name}"
        raise NexevoError(f"{named} has characters that no header can carry, as a line break.")


def query_of(call: Call) -> dict[str, Any]:
    """The query, whose booleans are written as in JSON."""
    return {
        name: str(value).lower() if isinstance(value, bool) else ",".join(value) if isinstance(value, tuple) else value
        for name, value in call.query.items()
    }


def may_retry(response: httpx.Response) -> bool:
    """True for an answer after which the same request may succeed; the gateway's own word counts first."""
    said = response.headers.get("x-should-retry")
    if said in ("true", "false"):
        return bool(said == "true")
    return response.status_code in RETRIED or response.status_code >= 500


def delay_s(tries: int, response: Optional[httpx.Response]) -> float:
    """Seconds to wait before the next try: as the answer asks for, else longer each time, spread by chance."""
    asked = None if response is None else _asked_s(response.headers)
    if asked is not None and 0 <= asked <= RETRY_AFTER_MAX_S:
        return asked
    return float(min(DELAY_FIRST_S * 2**tries, DELAY_MAX_S) * (1 - 0.25 * random.random()))


def _asked_s(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds that the answer asks to wait; `None` where it does not say, or says what cannot be read."""
    told = headers.get("retry-after", "")
    for text, divisor in ((headers.get("retry-after-ms", ""), 1000), (told, 1)):
        with suppress(ValueError):
            return float(text) / divisor
    with suppress(TypeError, ValueError, OverflowError):
        return email.utils.parsedate_to_datetime(told).timestamp() - time.time()
    return None

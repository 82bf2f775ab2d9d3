"""Parts of both clients' streams: the reading of events, the place that a stream has come to, and what chunks make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Generic, Optional, TypeVar

import httpx

from nexevo_ai._answers import is_events
from nexevo_ai._errors import APIConnectionError, APIStreamError, APITimeoutError, request_id_of, unreadable
from nexevo_ai._models import NexevoModel, parsed
from nexevo_ai._request import Call, path_part

T = TypeVar("T", bound=NexevoModel)
# Cuts in a row after which a stream that brings nothing more is given up, and the pause after the second of them.
CUTS_MAX = 5
PAUSE_FIRST_S = 0.1
LINE_ENDS = re.compile(rb"\r\n|\n|\r(?!\Z)")
RUN_STREAM = "/v1/agents/run/stream"


class Event:
    """One event of a stream."""

    def __init__(self, data: str, event_id: Optional[str], name: Optional[str]) -> None:
        self.data = data
        self.id = event_id
        self.name = name


class EventDecoder:
    """Reads lines of server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self._name: Optional[str] = None
        self._id: Optional[str] = None
        self.last_id: Optional[str] = None
        self._pieces: list[bytes] = []
        self._ends_in_cr = False

    def lines(self, piece: bytes) -> list[str]:
        """The lines that the bytes complete.

        httpx ends lines at U+2028, U+0085 and others as well, which stand within the JSON of an event.
        """
        self._pieces.append(piece)
        if not self._ends_in_cr and b"\n" not in piece and b"\r" not in piece:
            # A picture is one line of many pieces, which are not searched again with each.
            return []
        # Bytes before a CR at the end wait for what follows: it may be an LF.
        *whole, rest = LINE_ENDS.split(b"".join(self._pieces))
        self._pieces, self._ends_in_cr = [rest], rest.endswith(b"\r")
        return [line.decode("utf-8", "replace") for line in whole]

    def reset(self) -> None:
        """Forgets an event that was cut; the id of the last whole one stays."""
        self._data, self._name, self._id = [], None, self.last_id
        self._pieces, self._ends_in_cr = [], False

    def feed(self, line: str) -> Optional[Event]:
        """The event that the line ends, if it ends one."""
        if not line:
            self.last_id = self._id
            event = Event("\n".join(self._data), self.last_id, self._name) if self._data else None
            self._data, self._name = [], None
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id":
            self._id = value
        return None


class Place:
    """The place in a stream that ends with its connection."""

    can_go_on = False

    def is_new(self, _data: Any) -> bool:
        """Notes a whole event; false for one that has come before."""
        return True

    def rest(self, _last_id: Optional[str]) -> Optional[Call]:
        """The call for what follows the last whole event; `None` where the stream has not told how to go on."""
        return None


class RunPlace(Place):
    """The place in the stream of a run, which its events' ids tell."""

    can_go_on = True

    def __init__(self, begun: Call) -> None:
        self.begun = begun

    def rest(self, _last_id: Optional[str]) -> Optional[Call]:
        """The call for what follows."""
        if _last_id is None:
            return None
        headers = {"Last-Event-ID": _last_id}
        return self.begun.followed("GET", RUN_STREAM, query=dict(self.begun.query), headers=headers)


class ResponsePlace(Place):
    """The place in the stream of a response that runs in the background: its id, and the last event's number."""

    can_go_on = True

    def __init__(self, begun: Call) -> None:
        self.begun = begun
        self.path = begun.path if begun.method == "GET" else ""
        self.after: Optional[int] = None

    def is_new(self, _data: Any) -> bool:
        """Notes a whole event; false for one that has come before."""
        told = _data if isinstance(_data, dict) else {}
        response, number = told.get("response"), told.get("sequence_number")
        if not self.path and isinstance(response, dict) and response.get("id"):
            self.path = f"/v1/responses/{path_part(response['id'])}"
        if not isinstance(number, int):
            return True
        if self.after is not None and number <= self.after:
            return False
        self.after = number
        return True

    def rest(self, _last_id: Optional[str]) -> Optional[Call]:
        """The call for what follows."""
        if not self.path:
            return None
        query = {**self.begun.query, "stream": True}
        if self.after is not None:
            query["starting_after"] = self.after
        return self.begun.followed("GET", self.path, query=query)


class Reading(Generic[T]):
    """Reader of events, which both kinds of streams have."""

    def __init__(self, kind: type[T], response: httpx.Response, place: Place) -> None:
        self.kind = kind
        self.response = response
        self.place = place
        self.decoder = EventDecoder()
        self.is_over = False
        self.cuts = 0

    def taken(self, piece: bytes) -> Iterator[T]:
        """The values that the bytes complete; raises what the stream tells of."""
        for line in self.decoder.lines(piece):
            value = self._taken(line)
            if value is not None:
                yield value

    def _taken(self, line: str) -> Optional[T]:
        """The value that the line brings, if it brings one; raises what the stream tells of."""
        event = self.decoder.feed(line)
        if event is None or self.is_over:
            return None
        if event.data == "[DONE]":
            self.is_over = True
            return None
        try:
            data: Any = json.loads(event.data)
        except ValueError:
            raise unreadable(self.response, "sent an event that is no JSON.") from None
        told = data.get("error") if isinstance(data, dict) else None
        if isinstance(told, dict) and (event.name == "error" or data.get("type") in (None, "error")):
            self.is_over = True
            message = str(told.get("message") or "the stream has failed")
            request_id = request_id_of(self.response.headers)
            raise APIStreamError(message, request=self.response.request, body=data, request_id=request_id)
        if not self.place.is_new(data):
            return None
        if isinstance(data, dict) and data.get("type") in ENDS:
            self.is_over = True
        self.cuts = 0
        value: T = parsed(self.kind, data)
        return value

    def check(self) -> None:
        """Raises for an answer that is no stream, as that of a proxy: it would be read as one without events."""
        if not is_events(self.response):
            raise unreadable(self.response, "answers with no stream of events.")

    def rest(self, cut: Optional[httpx.RequestError]) -> Optional[Call]:
        """The call to go on with after the answer has ended; `None` where the stream is over. Raises for a cut."""
        if self.is_over or (cut is None and not self.place.can_go_on):
            return None
        self.cuts += 1
        call = self.place.rest(self.decoder.last_id) if self.cuts <= CUTS_MAX else None
        if call is None:
            request = self.response.request
            if isinstance(cut, httpx.TimeoutException):
                raise APITimeoutError("the stream brought nothing for too long", request=request) from cut
            raise APIConnectionError("the stream was cut", request=request) from cut
        self.decoder.reset()
        return call

    @property
    def pause_s(self) -> float:
        """Seconds to wait before going on: none at first, longer each time that nothing has come."""
        return 0.0 if self.cuts <= 1 else float(PAUSE_FIRST_S * 2 ** (self.cuts - 2))


# Types of events that end a stream of their wire.
ENDS = {
    *("done", "error", "message_stop"),
    *("response.completed", "response.failed", "response.incomplete", "response.cancelled"),
}


def whole_chat(chunks: list[Any]) -> dict[str, Any]:
    """The chat completion that the chunks of a stream come to."""
    whole: dict[str, Any] = {"object": "chat.completion", "choices": []}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        told = chunk.to_dict()
        for name in ("id", "created", "model", "usage", "nexevo", "service_tier", "system_fingerprint"):
            if told.get(name) is not None:
                whole[name] = told[name]
        for part in told.get("choices", []):
            _add(
                choices.setdefault(part["index"], {"index": part["index"], "finish_reason": None, "message": {}}), part
            )
    whole["choices"] = [_ended(choices[index]) for index in sorted(choices)]
    return whole


def _add(choice: dict[str, Any], part: dict[str, Any]) -> None:
    choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
    message = choice["message"]
    for name, value in (part.get("delta") or {}).items():
        if name == "tool_calls":
            for call in value or []:
                known = message.setdefault("tool_calls", {}).setdefault(call["index"], {"function": {}})
                function = call.get("function") or {}
                known.update({key: call[key] for key in ("id", "type") if call.get(key)})
                for key in ("name", "arguments"):
                    known["function"][key] = known["function"].get(key, "") + (function.get(key) or "")
        elif isinstance(value, str) and name != "role":
            message[name] = message.get(name, "") + value
        elif value is not None:
            message[name] = value


def _ended(choice: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **choice["message"]}
    if "tool_calls" in message:
        message["tool_calls"] = [message["tool_calls"][index] for index in sorted(message["tool_calls"])]
    return {**choice, "message": message}

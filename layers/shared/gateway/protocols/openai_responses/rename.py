"""The gateway's names over the provider's, in an answer's own bytes: ids, the model, and what the caller asked for.

A provider is asked to keep nothing, so its answer says `store: false` and knows of no previous response. The caller is
told what holds here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import orjson

from gateway.canonical.call_ids import CallIds
from gateway.canonical.response import Extension, Stamp
from gateway.framing import json_edit
from gateway.protocols.openai_responses.item_ids import shown

_NULL = b"null"
_NONE = b"[]"
_CALLED = frozenset({b'"function_call"', b'"custom_tool_call"'})


def forward_response(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's whole answer under the gateway's names."""
    return json_edit.edit(
        _response(body, stamp, _Calls(stamp.answer_id)), {"nexevo": orjson.dumps(extension.as_json())}
    )


def forward_compaction(body: bytes, stamp: Stamp, extension: Extension) -> bytes:
    """The provider's compaction under the gateway's names; it names no model, and is kept nowhere."""
    output = json_edit.edit_objects(json_edit.members(body)["output"], _item)
    own = {"id": orjson.dumps(stamp.response_id), "output": output, "nexevo": orjson.dumps(extension.as_json())}
    return json_edit.edit(body, own)


class EventRenamer:
    """The edit of one stream's events.

    Most events are deltas of one item. Its id was found in an earlier event, and is replaced without another parse.
    """

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp
        self._calls = _Calls(stamp.answer_id)
        self._given = b""
        self._shown = b""

    def rename(self, data: bytes) -> bytes:
        """The event under the gateway's names."""
        # A quotation mark inside a JSON string is escaped, so that this can only be a member.
        if self._given and data.find(self._given) >= 0 and data.find(b'"item":') < 0:
            return data.replace(self._given, self._shown)
        found = json_edit.members(data)
        put: dict[str, bytes] = {}
        if "response" in found:
            put["response"] = _response(found["response"], self._stamp, self._calls)
        if found.get("item", _NULL).startswith(b"{"):
            put["item"] = self._calls.named(_item(found["item"]), found.get("output_index", _NULL))
        if found.get("item_id", _NULL).startswith(b'"'):
            put["item_id"] = _shown(found["item_id"])
            self._given, self._shown = b'"item_id":' + found["item_id"], b'"item_id":' + put["item_id"]
        return json_edit.edit(data, put) if put else data


class _Calls:
    """Gives each call of one answer an id of its own, where the provider gave one id to several.

    An item is known by its id in every event, or by its place where it has none.
    """

    def __init__(self, answer_id: str) -> None:
        self._ids = CallIds(answer_id)
        self._own: dict[tuple[bytes, bytes], bytes] = {}

    def listed(self) -> Callable[[bytes], bytes]:
        """The edit of the items of an output, in their order."""
        places = count()
        return lambda item: self.named(_item(item), b"%d" % next(places))

    def named(self, item: bytes, place: bytes) -> bytes:
        """The item with the id of its call; one without stays so."""
        found = json_edit.members(item)
        given = found.get("call_id", _NULL)
        if found.get("type") not in _CALLED or not given.startswith(b'"'):
            return item
        identity = found.get("id", _NULL)
        key = given, place if identity in {_NULL, b'""'} else identity
        if key not in self._own:
            self._own[key] = orjson.dumps(self._ids.of(orjson.loads(given)))
        own = self._own[key]
        return item if own == given else json_edit.edit(item, {"call_id": own})


def _response(response: bytes, stamp: Stamp, calls: _Calls) -> bytes:
    if not response.startswith(b"{"):
        return response
    put = {name: orjson.dumps(value) for name, value in _names(stamp).items()}
    output = json_edit.members(response).get("output", _NULL)
    # Readers add to this list: a provider that leaves it out has said nothing yet.
    put["output"] = _NONE if output == _NULL else json_edit.edit_objects(output, calls.listed())
    return json_edit.edit(response, put)


def _item(item: bytes) -> bytes:
    identity = json_edit.members(item).get("id", _NULL)
    return json_edit.edit(item, {"id": _shown(identity)}) if identity.startswith(b'"') else item


def _shown(identity: bytes) -> bytes:
    given: str = orjson.loads(identity)
    return orjson.dumps(shown(given)) if given else identity


def _names(stamp: Stamp) -> dict[str, Any]:
    names = {
        "id": stamp.response_id,
        "model": stamp.model,
        "store": stamp.echo.get("store", True),
        "previous_response_id": stamp.echo.get("previous_response_id"),
    }
    if "conversation" in stamp.echo:
        names["conversation"] = stamp.echo["conversation"]
    # The provider was asked for a stream; the caller asked in the background.
    return names | {"background": True} if stamp.echo.get("background") else names

"""Tests of forms that stand for a JSON request: fields become its members, and files stand beside them."""

from typing import Any

import httpx
import orjson
import pytest

from gateway.errors import InvalidRequest, RequestTooLarge
from gateway.framing.multipart import INLINE_BYTES_MAX
from gateway.protocols.shared.forms import Form, read_form

PICTURE = ("cat.png", b"\x89PNG", "image/png")


def form(fields: list[tuple[str, str]], files: list[tuple[str, tuple[str, bytes, str]]] | None = None) -> Form:
    plain: list[tuple[str, Any]] = [(name, (None, value.encode())) for name, value in fields]
    request = httpx.Request("POST", "https://gateway.test", files=[*plain, *(files or [])])
    return read_form(
        request.headers["content-type"],
        request.read(),
        integers={"n"},
        numbers={"temperature"},
        flags={"stream"},
        lists={"include"},
    )


def test_fields_become_members_of_their_types() -> None:
    found = form([("prompt", "7"), ("n", "2"), ("temperature", "0.5"), ("stream", "true")])
    assert found.root.value == {"prompt": "7", "n": 2, "temperature": 0.5, "stream": True}
    assert orjson.loads(found.source) == found.root.value


def test_brackets_are_lists_and_members() -> None:
    found = form(
        [("include", "a"), ("include[]", "b"), ("provider[order][]", "openai"), ("provider[order][]", "azure")]
    )
    assert found.root.value == {"include": ["a", "b"], "provider": {"order": ["openai", "azure"]}}


def test_files_stand_apart_in_their_order_with_and_without_brackets() -> None:
    other = ("dog.png", b"\x89PNG2", "image/png")
    found = form([("prompt", "x")], [("image[]", PICTURE), ("mask", PICTURE), ("image[]", other)])
    assert [part.content for part in found.files["image"]] == [b"\x89PNG", b"\x89PNG2"]
    assert [part.filename for part in found.files["mask"]] == ["cat.png"]
    assert found.root.value == {"prompt": "x"}


@pytest.mark.parametrize("value", ["2.0", "two", "1" * 30, ""])
def test_what_is_no_number_stays_a_text_that_is_refused_where_it_is_read(value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        form([("n", value)]).root.required("n").as_integer(1, 10)
    assert (refused.value.param, refused.value.code) == ("n", "invalid_type")


@pytest.mark.parametrize(
    "fields",
    [
        [("prompt", "a"), ("prompt", "b")],
        [("provider", "a"), ("provider[order]", "b")],
        [("provider[order]", "a"), ("provider[order][]", "b")],
        [("a[][b]", "c")],
        [("a]b", "c")],
    ],
)
def test_a_field_given_twice_or_in_two_forms_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidRequest):
        form(fields)


def test_a_form_over_the_platforms_limit_is_told_where_to_upload() -> None:
    with pytest.raises(RequestTooLarge) as refused:
        form([("prompt", "x" * INLINE_BYTES_MAX)])
    assert "/v1/files/presign" in refused.value.message

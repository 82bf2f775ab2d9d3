"""Tests of forms with files: their content is read, and a form that is cut short or ambiguous is refused."""

import httpx
import pytest

from gateway.errors import InvalidRequest, UnsupportedMediaType
from gateway.framing.multipart import FormPart, is_form, parts_of

TYPE = "multipart/form-data; boundary=B"
PNG = b"\x89PNG\r\n\x1a\n--B-not\r\n--\r\n\x00"


def form(*parts: str, end: str = "--B--\r\n") -> bytes:
    return ("".join(f"--B\r\n{part}\r\n" for part in parts) + end).encode()


FIELD = 'Content-Disposition: form-data; name="prompt"\r\n\r\na cat'


def test_fields_and_files_come_in_their_order() -> None:
    request = httpx.Request(
        "POST",
        "https://gateway.test",
        data={"prompt": "a cat ✓\r\nin the rain", "model": "sora-2"},
        files={"file": ('a "cat".png', PNG, "image/png")},
    )
    found = parts_of(request.headers["content-type"], request.read())
    assert found == (
        FormPart("prompt", "a cat ✓\r\nin the rain".encode()),
        FormPart("model", b"sora-2"),
        FormPart("file", PNG, 'a "cat".png', "image/png"),
    )


def test_the_text_of_a_field_is_utf_8() -> None:
    assert FormPart("prompt", "✓".encode()).text == "✓"


def test_a_field_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as refused:
        _ = FormPart("prompt", b"\xff").text
    assert refused.value.param == "prompt"


@pytest.mark.parametrize(
    "content_type",
    [TYPE, 'Multipart/Form-Data; charset=utf-8; Boundary="B"', "multipart/form-data;boundary=B;x=y"],
)
def test_the_boundary_is_found_however_it_is_written(content_type: str) -> None:
    assert parts_of(content_type, form(FIELD)) == (FormPart("prompt", b"a cat"),)


@pytest.mark.parametrize(
    "part",
    [
        "content-disposition: form-data; name=prompt\r\n\r\na cat",
        'Content-Type: text/plain\r\nContent-Disposition:form-data;name="prompt"\r\n\r\na cat',
    ],
)
def test_headers_are_read_as_clients_write_them(part: str) -> None:
    (found,) = parts_of(TYPE, form(part))
    assert (found.name, found.content) == ("prompt", b"a cat")


def test_a_quote_in_a_name_is_read_as_browsers_write_it() -> None:
    (found,) = parts_of(TYPE, form('Content-Disposition: form-data; name="a%22b"; filename="c\\"d"\r\n\r\nx'))
    assert (found.name, found.filename) == ('a"b', 'c"d')


def test_what_comes_before_the_first_boundary_and_after_the_last_is_no_part() -> None:
    assert parts_of(TYPE, b"preamble\r\n" + form(FIELD) + b"epilogue") == (FormPart("prompt", b"a cat"),)


def test_an_empty_form_has_no_parts() -> None:
    assert parts_of(TYPE, b"--B--\r\n") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        form(FIELD, end=""),
        form(FIELD, end="--B"),
        form(FIELD)[:-10],
        form("no headers"),
        form('Content-Disposition: form-data; filename="x"\r\n\r\nno name'),
        form('Content-Disposition: attachment; name="x"\r\n\r\nno form-data'),
        form("Content-Type: text/plain\r\n\r\nno disposition"),
        form(*[FIELD] * 101),
        form(f'Content-Disposition: form-data; name="{"x" * 9000}"\r\n\r\nlong'),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parts_of(TYPE, body)
    assert refused.value.code == "invalid_body"


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        parts_of("multipart/form-data", form(FIELD))


def test_another_type_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedMediaType):
        parts_of("application/json", b"{}")
    assert not is_form("application/json")

"""Tests of the identity of two requests: the scope of a key, and the fingerprint of the request under it."""

import pytest

from gateway.errors import InvalidRequest
from gateway.idempotency.ring import KeyedRequest, keyed_request

JSON = "application/json"


def keyed(
    key: str = "key",
    *,
    account_id: str = "acct_1",
    method: str = "POST",
    path: str = "/v1/keys",
    content_type: str = JSON,
    body: bytes = b"{}",
) -> KeyedRequest:
    made = keyed_request(key, account_id, method, path, content_type, body)
    assert made is not None
    return made


def test_a_request_without_a_key_is_not_kept() -> None:
    assert keyed_request(None, "acct_1", "POST", "/v1/keys", JSON, b"{}") is None


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_a_wrong_length_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        keyed(key)
    assert (raised.value.status, raised.value.code) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("key", ["k", "k" * 255, "with blank, ÿ and 你好"])
def test_any_text_of_1_to_255_characters_is_a_key(key: str) -> None:
    assert keyed(key) == keyed(key)


@pytest.mark.parametrize(
    "other",
    [keyed("other"), keyed(account_id="acct_2"), keyed(method="PUT"), keyed(path="/v1/other")],
    ids=["key", "account", "method", "path"],
)
def test_key_account_method_and_path_each_make_a_scope_of_their_own(other: KeyedRequest) -> None:
    assert keyed().scope != other.scope


def test_the_same_body_at_another_path_has_another_fingerprint() -> None:
    assert len({keyed().fingerprint, keyed(path="/v1/other").fingerprint, keyed(method="PUT").fingerprint}) == 3


def test_what_is_stored_does_not_show_the_key() -> None:
    assert "secret" not in keyed("secret").scope


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 12345678901234567890123}', b'{"a": 12345678901234567890124}'),
        (b'{"a": 1}', b'{"a": 2}'),
        (b'{"a": 1}', b'{"a": "1"}'),
        (b"[1, 2]", b"[2, 1]"),
        (b"{}", b""),
        (b"{x", b"{y"),
    ],
)
def test_another_body_has_another_fingerprint(one: bytes, other: bytes) -> None:
    assert keyed(body=one).fingerprint != keyed(body=other).fingerprint


@pytest.mark.parametrize(
    ("one", "other"), [(b'{"a":1,"b":[{"d":2,"c":3}]}', b'{ "b": [{"c": 3, "d": 2}],\n "a": 1 }'), (b"{x", b"{x")]
)
def test_the_same_body_written_otherwise_has_the_same_fingerprint(one: bytes, other: bytes) -> None:
    assert keyed(body=one) == keyed(body=other)


def form(boundary: str, *, quoted: bool = False, value: str = "a cat") -> KeyedRequest:
    said = f'"{boundary}"' if quoted else boundary
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{value}\r\n--{boundary}--\r\n'
    return keyed(content_type=f"multipart/form-data; boundary={said}; charset=utf-8", body=part.encode())


def test_a_body_that_is_no_form_has_no_boundary() -> None:
    one, other = (keyed(content_type="application/json; boundary=cat", body=body) for body in (b'"a cat"', b'"a "'))
    assert one.fingerprint != other.fingerprint


def test_a_form_sent_again_with_another_boundary_is_the_same_request() -> None:
    assert form("b0undary") == form("another", quoted=True)


def test_a_form_with_another_value_is_another_request() -> None:
    assert form("b0undary") != form("b0undary", value="a dog")

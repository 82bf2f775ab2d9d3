"""Tests which key a request carries, and that different ones are refused."""

import pytest

from gateway.auth.principal import Fields, key_in
from gateway.errors import AuthenticationFailed, InvalidRequest

BEARER_A, BEARER_B = ("authorization", "Bearer A"), ("authorization", "bearer  B ")
X_A, X_B = ("x-api-key", "A"), ("x-api-key", "B")
GOOGLE_A, GOOGLE_B = ("x-goog-api-key", "A"), ("x-goog-api-key", "B")
BASIC = ("authorization", "Basic QTpC")


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([BEARER_A], []),
        ([BEARER_A, BEARER_A], []),
        ([X_A, BEARER_A, GOOGLE_A], [("key", "A")]),
        ([GOOGLE_A], [("key", "A")]),
        ([], [("key", "A"), ("key", "A"), ("alt", "sse")]),
        ([BASIC, X_A], []),
        ([("authorization", "Bearer "), ("x-api-key", ""), GOOGLE_A], []),
        ([X_A, ("x-api-key", "")], []),
    ],
)
def test_the_same_key_in_several_places_is_one(headers: Fields, query: Fields) -> None:
    assert key_in(headers, query, allow_query=True) == "A"


@pytest.mark.parametrize(
    ("headers", "query", "carriers"),
    [
        ([BEARER_A, BEARER_B], [], "'Authorization'"),
        ([X_A, X_B], [], "'x-api-key'"),
        ([GOOGLE_A, GOOGLE_B], [], "'x-goog-api-key'"),
        ([], [("key", "A"), ("key", "B")], "'[?]key='"),
        ([BEARER_A, X_A, X_B], [], "'Authorization' and 'x-api-key'"),
        ([X_B, BEARER_A], [], "'Authorization' and 'x-api-key'"),
        ([X_A, GOOGLE_B], [], "'x-api-key' and 'x-goog-api-key'"),
        ([GOOGLE_A], [("key", "B")], "'x-goog-api-key' and '[?]key='"),
    ],
)
def test_different_keys_are_refused_by_the_names_of_their_places(headers: Fields, query: Fields, carriers: str) -> None:
    with pytest.raises(InvalidRequest, match=f"in {carriers}[.]"):
        key_in(headers, query, allow_query=True)


def test_a_key_in_the_query_is_none_where_the_path_takes_none() -> None:
    assert key_in([GOOGLE_A], [("key", "B")]) == "A"


@pytest.mark.parametrize(("headers", "query"), [([], []), ([BASIC], []), ([], [("key", "A")])])
def test_without_a_carrier_there_is_no_key(headers: Fields, query: Fields) -> None:
    with pytest.raises(AuthenticationFailed, match="No API key"):
        key_in(headers, query)

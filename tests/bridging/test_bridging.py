"""Tests that docs/bridging.md describes each wire, feature and other wire as the codecs treat them."""

import pytest

from tests.bridging import goldens
from tests.bridging.cells import CLIENTS, UPSTREAMS, answer_cell, ending_cell, request_cell
from tests.bridging.goldens import Feature, Golden
from tests.bridging.tables import DOCUMENT, document

ASKED = {feature.key: feature for feature in goldens.features("requests")}
ANSWERED = {feature.key: feature for feature in goldens.features("answers")}
# A reference to a stored item is resolved before a codec sees it, or not at all.
STORED = {"400 `conversation`", "400 `input[1]`"}


def test_the_document_holds_the_tables_that_the_codecs_make() -> None:
    assert DOCUMENT.read_text() == document(), "make bridging"


def test_every_wire_that_callers_and_providers_speak_has_its_goldens() -> None:
    assert set(goldens.requests()) == set(CLIENTS)
    assert set(goldens.answers()) == set(goldens.endings()) == set(UPSTREAMS)


def test_every_feature_is_asked_for_and_told_of_somewhere() -> None:
    assert {key for own in goldens.requests().values() for key in own} == set(ASKED)
    assert {key for own in goldens.answers().values() for key in own} == set(ANSWERED)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_asked_for_on_the_providers_own_wire_goes_out_as_it_came(client: str) -> None:
    own = goldens.requests()[client]
    cells = {key: request_cell(ASKED[key], golden, client, client) for key, golden in own.items()}
    assert {cell for cell in cells.values() if not cell.startswith(("as it came", "edited"))} <= STORED


@pytest.mark.parametrize("wire", CLIENTS)
def test_what_is_answered_on_the_callers_own_wire_comes_as_it_was_sent(wire: str) -> None:
    own = goldens.answers()[wire]
    assert {answer_cell(ANSWERED[key], golden, wire, wire) for key, golden in own.items()} == {"as it came"}


def request(**members: object) -> Golden:
    plain = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    return Golden(plain | members, plain)


@pytest.mark.parametrize(
    ("members", "payload", "cell"),
    [
        ({"stop": ["seven"]}, ("seven",), "kept: `stop_sequences`"),
        ({"stop": ["seven"]}, ("seven", "eight"), "in part: `stop_sequences`"),
        ({"temperature": 1.7}, (1.7,), "becomes `temperature: 1.0`; strictly 400 `temperature`"),
        ({"seed": 7}, (7,), "left out; strictly 400 `seed`"),
        ({"metadata": {"seven": "7"}}, ("seven",), "left out"),
        ({"logit_bias": {"7": 1}}, ("7",), "400 `logit_bias`"),
        ({"max_tokens": "seven"}, ("seven",), "400 `max_tokens`"),
    ],
)
def test_a_cell_tells_what_became_of_a_feature(
    members: dict[str, object], payload: tuple[str | float, ...], cell: str
) -> None:
    feature = Feature("f", "f", payload)
    assert request_cell(feature, request(**members), "openai_chat", "anthropic_messages") == cell


def test_an_end_without_a_word_of_its_own_is_a_plain_one_and_a_failed_response() -> None:
    malformed = goldens.endings()["gemini"]["MALFORMED_FUNCTION_CALL"]
    told = [ending_cell(malformed, "gemini", client) for client in CLIENTS]
    assert told == ["`stop`", "`failed`", "`end_turn`", "`MALFORMED_FUNCTION_CALL`"]

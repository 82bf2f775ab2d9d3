"""Tests that a client's letters are heard in the order in which they were sent, each once."""

import base64
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ports.sockets import Letter
from gateway.sockets.order import LOOK_MAX, Order, place_of
from local.websocket_gateway import Ids

WAIT_S = 0.02


def letter(number: int, at_ms: int, ids: Ids) -> Letter:
    return Letter(f"receipt-{number}", at_ms, ids.new(), str(number).encode())


def heard(arrivals: list[tuple[float, Letter]]) -> list[bytes]:
    """The texts that a session hears of letters that arrive at these seconds, in this order."""
    order, told = Order(), []
    for now_s, each in arrivals:
        told += order.due(now_s)
        order.put(each, now_s)
        order.look()
    told += order.due(arrivals[-1][0] + WAIT_S + 1)
    return [each.data or b"" for each in told]


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), gap_ms=st.sampled_from([0, 0, 1, 20]))
def test_letters_that_arrive_within_the_wait_are_heard_in_their_order_each_once(
    seed: int, count: int, gap_ms: int
) -> None:
    chance, ids = random.Random(seed), Ids()
    sent = [letter(number, 1_000 + number * gap_ms, ids) for number in range(count)]
    arrivals = [(each.at_ms / 1000 + chance.uniform(0, WAIT_S * 0.9), each) for each in sent]
    arrivals += [(now_s + chance.uniform(0, 0.5), each) for now_s, each in arrivals if chance.random() < 0.2]
    arrivals.sort(key=lambda each: each[0])
    assert heard(arrivals) == [each.data for each in sent]


def test_a_letter_that_comes_after_its_turn_is_heard_and_counted() -> None:
    ids, order = Ids(), Order()
    first, second = letter(1, 1_000, ids), letter(2, 1_020, ids)
    order.put(second, 1.02)
    order.look()
    assert order.due(1.1) == [second]
    order.put(first, 1.11)
    order.look()
    assert order.due(1.3) == [first]
    assert order.late == 1


def test_a_letter_that_has_come_late_has_those_after_it_wait_for_as_late_a_one() -> None:
    ids, order = Ids(), Order()
    sent = [letter(number, 1_000 + number, ids) for number in range(4)]
    order.put(sent[1], 1.0)
    # A look confirms it, so that only the wait holds it back.
    order.looked(order.look(), 0)
    order.put(sent[0], 1.019)
    assert order.due(1.04) == [sent[0], sent[1]]
    order.put(sent[3], 1.1)
    order.looked(order.look(), 0)
    assert order.due(1.13) == []
    order.put(sent[2], 1.13)
    assert order.due(1.17) == [sent[2], sent[3]]
    # What was not seen for a while is not waited for.
    later = letter(5, 100_000, ids)
    order.put(later, 100.0)
    order.looked(order.look(), 0)
    assert order.due(100.02) == [later]


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 200), gap_ms=st.sampled_from([0, 1, 5, 20]))
def test_a_mailbox_that_is_read_more_slowly_than_it_fills_loses_no_order(seed: int, count: int, gap_ms: int) -> None:
    chance, ids, order = random.Random(seed), Ids(), Order()
    sent = [letter(number, 1_000 + number * gap_ms, ids) for number in range(count)]
    # Letters change places by up to 50 ms; a look takes ten, and as long as it likes.
    mailbox = sorted(sent, key=lambda each: each.at_ms + chance.uniform(0, 50))
    told: list[Letter] = []
    now_s = 1.0
    while len(told) < count:
        look = order.look()
        now_s += chance.uniform(0, 2)
        told += order.due(now_s)
        found, mailbox = mailbox[:LOOK_MAX], mailbox[LOOK_MAX:]
        order.looked(look, len(found))
        for each in found:
            order.put(each, now_s)
        told += order.due(now_s)
    assert told == sent


def test_what_no_look_follows_is_given_after_a_while() -> None:
    ids, order = Ids(), Order()
    order.looked(order.look(), LOOK_MAX)
    last = letter(1, 1_000, ids)
    order.put(last, 1.0)
    order.no_more_looks()
    assert order.due(1.07) == [last]


def test_a_mailbox_that_is_slow_to_answer_is_not_taken_for_an_empty_one() -> None:
    ids, order = Ids(), Order()
    order.answered(0.2, 1.0)
    first, second = letter(1, 1_000, ids), letter(2, 1_001, ids)
    order.put(second, 1.0)
    look = order.look()
    assert order.due(1.5) == []
    order.looked(look, 1)
    order.put(first, 1.5)
    assert order.due(1.6) == [first, second]


def test_a_letter_waits_as_long_as_its_mailbox_takes_to_answer() -> None:
    ids, order = Ids(), Order()
    order.answered(0.08, 1.0)
    first, second = letter(1, 1_000, ids), letter(2, 1_020, ids)
    order.put(second, 1.02)
    order.looked(order.look(), 1)
    assert order.due(1.09) == []
    order.put(first, 1.09)
    assert order.due(1.3) == [first, second]


def test_the_end_of_a_connection_is_heard_after_what_was_sent_in_its_millisecond() -> None:
    ids, order = Ids(), Order()
    order.put(Letter("r", 1_000, "DISCONNECT", None), 1.0)
    order.put(letter(1, 1_000, ids), 1.001)
    order.look()
    assert [each.data for each in order.due(2.0)] == [b"1", None]


def test_what_waits_is_given_to_the_next_run_which_knows_what_has_come() -> None:
    ids, order = Ids(), Order()
    past, waiting = letter(1, 1_000, ids), letter(2, 1_020, ids)
    order.put(past, 1.0)
    order.look()
    order.due(1.5)
    order.put(waiting, 1.51)
    assert order.rest() == [waiting]
    following = Order(order.seen)
    assert [following.put(past, 1.6), following.put(waiting, 1.6)] == [False, False]


def test_an_id_that_is_no_base64_has_a_place_too() -> None:
    assert place_of(Letter("r", 5, "é", b"")) == (5, b"")


def test_ids_sort_by_time_within_one_millisecond() -> None:
    ids = Ids()
    made = [base64.urlsafe_b64decode(ids.new())[:6] for _ in range(500)]
    assert made == sorted(set(made))

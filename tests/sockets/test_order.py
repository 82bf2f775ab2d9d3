"""Tests that a client's letters are heard in the order in which they were sent, each once."""

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ports.sockets import Letter
from gateway.sockets.order import ANSWERS, LOOK_MAX, NOTHING_S, Order, place_of
from local.websocket_gateway import Ids

WAIT_S = 0.02


def letter(number: int, at_ms: int, ids: Ids) -> Letter:
    return Letter(f"receipt-{number}", at_ms, ids.new(), str(number).encode())


def looked(order: Order, began_s: float, found: int = 0) -> None:
    """Has a look return that has begun at this second and has found so many letters, which are put next."""
    order.looked(order.look(began_s), found, began_s)


def heard(arrivals: list[tuple[float, Letter]]) -> list[bytes]:
    """The texts that a session hears of letters that arrive at these seconds, in this order."""
    order, told, began_s = Order(), [], 0.0
    for now_s, each in arrivals:
        told += order.due(now_s)
        looked(order, began_s, found=1)
        order.put(each, now_s)
        began_s = now_s
    looked(order, began_s + WAIT_S)
    told += order.due(began_s + WAIT_S + 1)
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
    looked(order, 1.05)
    assert order.due(1.1) == [second]
    order.put(first, 1.11)
    looked(order, 1.25)
    assert order.due(1.3) == [first]
    assert order.late == 1


def test_a_letter_that_has_come_late_has_those_after_it_wait_for_as_late_a_one() -> None:
    ids, order = Ids(), Order()
    sent = [letter(number, 1_000 + number, ids) for number in range(4)]
    order.put(sent[1], 1.0)
    order.put(sent[0], 1.019)
    # A look shows that they are the next, so that only the wait holds them back.
    looked(order, 1.03)
    assert order.due(1.04) == [sent[0], sent[1]]
    order.put(sent[3], 1.1)
    looked(order, 1.125)
    assert order.due(1.13) == []
    order.put(sent[2], 1.13)
    looked(order, 1.16)
    assert order.due(1.17) == [sent[2], sent[3]]
    # What was not seen for a while is not waited for.
    later = letter(5, 100_000, ids)
    order.put(later, 100.0)
    looked(order, 100.015)
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
        began_s = now_s
        look = order.look(began_s)
        now_s += chance.uniform(0, 2)
        told += order.due(now_s)
        found, mailbox = mailbox[:LOOK_MAX], mailbox[LOOK_MAX:]
        order.looked(look, len(found), began_s)
        for each in found:
            order.put(each, now_s)
        told += order.due(now_s)
    assert told == sent


def test_what_no_look_follows_is_given_after_a_while() -> None:
    ids, order = Ids(), Order()
    looked(order, 1.0, found=LOOK_MAX)
    last = letter(1, 1_000, ids)
    order.put(last, 1.0)
    order.no_more_looks()
    assert order.due(1.07) == [last]
    assert order.look_at(1.07) is None


def test_no_time_shows_that_nothing_is_on_its_way_before_a_letter() -> None:
    ids, order = Ids(), Order()
    first, second, third = letter(1, 1_000, ids), letter(2, 1_000, ids), letter(3, 1_001, ids)
    looked(order, 0.9, found=1)
    order.put(second, 1.0)
    # This look has begun at once, and what it finds was taken at once: the mailbox may have stood still since.
    looked(order, 1.0, found=1)
    order.put(third, 1.001)
    look = order.look(1.002)
    assert (order.due(9.9), order.next_at(9.9)) == ([], None)
    # No answer has come for a while, which another look is to be made for.
    assert order.look_at(1.002) == 1.002 + NOTHING_S
    order.looked(look, 1, 1.002)
    order.put(first, 10.0)
    looked(order, 10.011)
    assert order.due(10.1) == [first, second, third]
    assert order.look_at(10.1) is None


def test_a_letter_that_was_taken_a_while_later_shows_that_those_before_have_come_if_the_mailbox_is_empty() -> None:
    ids, order = Ids(), Order()
    sent = [letter(number, 1_000 + 20 * number, ids) for number in range(3)]
    looked(order, 0.9, found=1)
    order.put(sent[0], 1.0)
    looked(order, 1.0, found=1)
    order.put(sent[1], 1.02)
    assert order.due(1.02) == [sent[0]]
    # Of a mailbox that is not empty it does not show it: a standard queue gives what it likes first.
    looked(order, 1.02, found=LOOK_MAX)
    order.put(sent[2], 1.04)
    assert order.due(9.9) == []


def test_a_mailbox_that_is_slow_to_answer_is_asked_again_later() -> None:
    ids, order = Ids(), Order()
    order.answered(0.2, 1.0)
    order.put(letter(1, 1_000, ids), 1.0)
    order.look(1.0)
    assert order.look_at(1.0) == pytest.approx(1.0 + ANSWERS * 0.2)


def test_the_end_of_a_connection_is_heard_after_what_was_sent_in_its_millisecond() -> None:
    ids, order = Ids(), Order()
    order.put(Letter("r", 1_000, "DISCONNECT", None), 1.0)
    order.put(letter(1, 1_000, ids), 1.001)
    looked(order, 1.5)
    assert [each.data for each in order.due(2.0)] == [b"1", None]


def test_what_waits_is_given_to_the_next_run_which_knows_what_has_come() -> None:
    ids, order = Ids(), Order()
    past, waiting = letter(1, 1_000, ids), letter(2, 1_020, ids)
    order.put(past, 1.0)
    looked(order, 1.4)
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

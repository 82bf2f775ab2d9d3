"""Ids that sort by the millisecond of admission, so that a ledger sorts by time and a month is a range of ids.

18 characters: 10 of milliseconds since the epoch (good for 35,000 years), 8 of 40 random bits. Crockford's alphabet
sorts as its values do: https://www.crockford.com/base32.html
"""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TIME_PLACES = 10
RANDOM_PLACES = 8
ID_PLACES = TIME_PLACES + RANDOM_PLACES
# Sorts after every id.
END_OF_IDS = "~"
VALUE_OF = {character: value for value, character in enumerate(ALPHABET)}
# Two characters for each ten bits.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


def hold_id_at(now_s: float, random_bits: int) -> str:
    """The id of a hold made now; `random_bits` are 40 fresh random bits."""
    return id_floor(now_s) + number_in(random_bits, RANDOM_PLACES)


def id_floor(at_s: float) -> str:
    """The prefix of every id made at that millisecond, and the lower bound of all later ones."""
    return number_in(int(at_s * 1000), TIME_PLACES)


def admitted_s(hold_id: str) -> float:
    """The time of admission in epoch seconds; `ValueError` for a text that is not a hold id."""
    return number_of(hold_id[:TIME_PLACES]) / 1000


def number_of(text: str) -> int:
    """The number that the text writes; `ValueError` for other characters."""
    try:
        digits = [VALUE_OF[character] for character in text]
    except KeyError:
        raise ValueError(f"{text!r} is no number of an id") from None
    return sum(digit << 5 * place for place, digit in enumerate(reversed(digits)))


def number_in(value: int, places: int) -> str:
    """The value in an even number of places."""
    return "".join([_PAIRS[value >> 5 * place & 1023] for place in range(places - 2, -1, -2)])

"""The account's rules in DynamoDB's expression language: tables of phrases, joined, never built from data.

Each phrase is judged and applied in one write of one item, so it is all or nothing. Which variant of a phrase
fits (has the minute turned?) is the writer's guess; a wrong one fails its own condition, moves nothing and is
corrected. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Conditions that must hold together, and what is set or removed if they do."""

    conditions: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()


COUNT = Phrase(sets=("ver = ver + :one",))
KNOWN = Phrase(conditions=("attribute_exists(account_id)",))
# Refuses, and answers the item to be judged: for what no condition can say.
NEVER = Phrase(conditions=("attribute_not_exists(account_id)",))

CREDIT = Phrase(sets=("#free = #free + :credit",))
SET_RPM = Phrase(sets=("rpm = :rpm",))
SET_OFF: Mapping[bool, Phrase] = {True: Phrase(sets=("#off = :true",)), False: Phrase(removes=("#off",))}

ADMIT = Phrase(
    conditions=("attribute_not_exists(#off)", "attribute_not_exists(young.#h)", "#free >= :hold"),
    sets=(
        "#free = #free - :hold",
        "held = held + :hold",
        "young.#h = :young",
        "active_shard = :shard",
        "active_slot = :slot",
    ),
)
# By whether the minute has turned since the last write.
ADMIT_MINUTE: Mapping[bool, Phrase] = {
    False: Phrase(
        conditions=(
            "#minute = :minute",
            "#used < rpm",
            "(attribute_not_exists(kw.#k) OR kw.#k < :key_rpm)",
        ),
        sets=("#used = #used + :one", "kw.#k = if_not_exists(kw.#k, :zero) + :one"),
    ),
    True: Phrase(
        conditions=("#minute < :minute", "rpm >= :one"),
        sets=("#minute = :minute", "#used = :one", "kw = :first_request"),
    ),
}
# By whether the month has turned; keys without a cap take none of these.
ADMIT_MONTH: Mapping[bool, Phrase] = {
    False: Phrase(
        conditions=("#month = :month", "(attribute_not_exists(km.#k) OR km.#k <= :room)"),
        sets=("km.#k = if_not_exists(km.#k, :zero) + :hold",),
    ),
    True: Phrase(conditions=("#month < :month",), sets=("#month = :month", "km = :first_spend")),
}

# By whether the hold is parked. Exactly one place is the hold's own: inside the account until it has left it.
LIVES: Mapping[bool, Phrase] = {
    False: Phrase(conditions=("young.#h.a = :hold",)),
    True: Phrase(conditions=("attribute_exists(account_id)", "attribute_not_exists(young.#h)")),
}
LEAVE = Phrase(removes=("young.#h",))
END = Phrase(sets=("#free = #free + :freed", "held = held - :hold"))
# By whether what the hold does not cover is taken from a free balance that has it, or has less.
END_BEYOND: Mapping[bool, Phrase] = {
    False: Phrase(conditions=("#free >= :beyond",)),
    True: Phrase(conditions=("#free = :seen_free",)),
}
# By whether the month of admission is over; holds of keys without a cap take none of these.
SPEND_MONTH: Mapping[bool, Phrase] = {
    False: Phrase(conditions=("#month = :month",), sets=("km.#k = km.#k + :spend",)),
    True: Phrase(conditions=("#month > :month",)),
}
EXTEND = Phrase(
    conditions=("#free >= :more",),
    sets=("#free = #free - :more", "held = held + :more"),
)
EXTEND_YOUNG = Phrase(sets=("young.#h.a = :raised",))
TRACK = Phrase(conditions=("ver = :ver",))
# By whether the month has turned.
TRACK_MONTH: Mapping[bool, Phrase] = {
    False: Phrase(sets=("km.#k = :spend",)),
    True: Phrase(sets=("#month = :month", "km = :first_spend")),
}
LEAVE_INDEX = Phrase(conditions=("active_slot = :slot", "size(young) = :zero"), removes=("active_shard", "active_slot"))
WITHIN_CAP = Phrase(conditions=("km.#k <= :room",))

# Reserved words of the expression language, or near enough to them.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
NAMES = {f"#{name}": name for name in ("free", "minute", "month", "off", "used")}
PLACEHOLDER = re.compile(r"[:#]\w+")


@cache
def _joined(phrases: tuple[Phrase, ...]) -> tuple[str, str, frozenset[str]]:
    condition = " AND ".join(condition for phrase in phrases for condition in phrase.conditions)
    sets = ", ".join(clause for phrase in phrases for clause in phrase.sets)
    removes = ", ".join(clause for phrase in phrases for clause in phrase.removes)
    update = f"SET {sets}" + (f" REMOVE {removes}" if removes else "")
    return condition, update, frozenset(PLACEHOLDER.findall(f"{condition} {update}"))


def write(
    table: str, key: Item, phrases: tuple[Phrase, ...], values: Mapping[str, Item], names: Mapping[str, str]
) -> Item:
    """An update of one item by these phrases; takes of `values` and `names` what the phrases speak of.

    A write that fails answers the item it failed on.
    """
    condition, update, used = _joined((*phrases, COUNT))
    known = {**NAMES, **names}
    spoken = {name: known[name] for name in used if name.startswith("#")}
    return {
        "TableName": table,
        "Key": key,
        "ConditionExpression": condition,
        "UpdateExpression": update,
        "ExpressionAttributeValues": {name: values[name] for name in used if name.startswith(":")},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **({"ExpressionAttributeNames": spoken} if spoken else {}),
    }

"""The account's rules in DynamoDB's expression language, as constants that are joined, never built from data.

Each rule is checked and applied in one write of one item, so it is atomic. The writer guesses the variant of a rule
(has a new minute begun?). A wrong guess fails its own condition, moves nothing and is corrected.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

Item = dict[str, Any]


class Rule(Struct, frozen=True):
    """Conditions that must hold together, and the attributes to set or remove if they do."""

    conditions: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()


COUNT = Rule(sets=("ver = ver + :one",))
KNOWN = Rule(conditions=("attribute_exists(account_id)",))
# Always refuses, and so returns the item to judge, for rules that no condition can express.
NEVER = Rule(conditions=("attribute_not_exists(account_id)",))

CREDIT = Rule(sets=("#free = #free + :credit",))
# By: is there a balance below which the owner is told?
SET_LOW: Mapping[bool, Rule] = {True: Rule(sets=("low = :low",)), False: Rule(removes=("low",))}
SET_RPM = Rule(sets=("rpm = :rpm",))
SET_OFF: Mapping[bool, Rule] = {True: Rule(sets=("#off = :true",)), False: Rule(removes=("#off",))}

ADMIT = Rule(
    conditions=(
        "attribute_not_exists(#off)",
        "attribute_not_exists(young.#h)",
        "(attribute_not_exists(#left) OR #left < :stamp)",
        "#free >= :needs",
    ),
    sets=(
        "#free = #free - :hold",
        "held = held + :hold",
        "young.#h = :young",
        "active_shard = :shard",
        "active_slot = :slot",
    ),
)
# By: has a new minute begun since the last write?
ADMIT_MINUTE: Mapping[bool, Rule] = {
    False: Rule(
        conditions=(
            "#minute = :minute",
            "#used < rpm",
            "(attribute_not_exists(kw.#k) OR kw.#k < :key_rpm)",
        ),
        sets=("#used = #used + :one", "kw.#k = if_not_exists(kw.#k, :zero) + :one"),
    ),
    True: Rule(
        conditions=("#minute < :minute", "rpm >= :one"),
        sets=("#minute = :minute", "#used = :one", "kw = :first_request"),
    ),
}
# By: has a new month begun? For keys with a cap.
ADMIT_MONTH: Mapping[bool, Rule] = {
    False: Rule(
        conditions=("#month = :month", "(attribute_not_exists(km.#k) OR km.#k <= :room)"),
        sets=("km.#k = if_not_exists(km.#k, :zero) + :hold",),
    ),
    True: Rule(conditions=("#month < :month",), sets=("#month = :month", "km = :first_spend")),
}

# By: is the key's spend counted? For keys without a cap: a count that has begun goes on to the end of its month.
ADMIT_UNCAPPED: Mapping[bool, Rule] = {
    False: Rule(conditions=("(attribute_not_exists(km.#k) OR #month < :month)",)),
    True: Rule(conditions=("#month = :month", "attribute_exists(km.#k)"), sets=("km.#k = km.#k + :hold",)),
}

# The spend at the seat of an organization's member, in a month that has begun; the write that begins one counts by
# ADMIT_MONTH. By: has the member a cap?
ADMIT_SEAT: Mapping[bool, Rule] = {
    False: Rule(conditions=("#month = :month",), sets=("km.#s = if_not_exists(km.#s, :zero) + :hold",)),
    True: Rule(
        conditions=("#month = :month", "(attribute_not_exists(km.#s) OR km.#s <= :seat_room)"),
        sets=("km.#s = if_not_exists(km.#s, :zero) + :hold",),
    ),
}

# The counts of a minute that only some keys need. By: has the item no such count yet (a new minute's write begins it
# anyhow), or has it one?
FIRST, NONE, SOME = "first", "none", "some"
COUNT_TOKENS: Mapping[str, Rule] = {
    FIRST: Rule(sets=("kt = :first_tokens",)),
    NONE: Rule(conditions=("attribute_not_exists(kt)",), sets=("kt = :first_tokens",)),
    SOME: Rule(
        conditions=("attribute_exists(kt)", "(attribute_not_exists(kt.#k) OR kt.#k <= :token_room)"),
        sets=("kt.#k = if_not_exists(kt.#k, :zero) + :tokens",),
    ),
}
COUNT_USER: Mapping[str, Rule] = {
    FIRST: Rule(sets=("ku = :first_user",)),
    NONE: Rule(conditions=("attribute_not_exists(ku)",), sets=("ku = :first_user",)),
    SOME: Rule(
        conditions=("attribute_exists(ku)", "(attribute_not_exists(ku.#u) OR ku.#u < :user_rpm)"),
        sets=("ku.#u = if_not_exists(ku.#u, :zero) + :one",),
    ),
}
COUNT_READ: Mapping[str, Rule] = {
    # A read that begins a minute begins its count of requests at nothing.
    FIRST: Rule(
        conditions=("#minute < :minute",),
        sets=("#minute = :minute", "#used = :zero", "kw = :nothing", "kr = :first_request"),
        removes=("kt", "ku"),
    ),
    NONE: Rule(conditions=("#minute = :minute", "attribute_not_exists(kr)"), sets=("kr = :first_request",)),
    SOME: Rule(
        conditions=("#minute = :minute", "attribute_exists(kr)", "(attribute_not_exists(kr.#k) OR kr.#k < :reads)"),
        sets=("kr.#k = if_not_exists(kr.#k, :zero) + :one",),
    ),
}
# A new minute's write leaves out the counts that it does not begin.
DROP: Mapping[str, Rule] = {name: Rule(removes=(name,)) for name in ("kt", "ku", "kr")}
# A call that holds nothing. By: does it need no balance?
CALL: Mapping[bool, Rule] = {
    False: Rule(conditions=("attribute_not_exists(#off)", "#free > :zero")),
    # A balance below zero is a suspension, which refunds and disputes bring.
    True: Rule(conditions=("attribute_not_exists(#off)", "#free >= :zero")),
}

# The holds by which a key counts its requests that run at once. By: has the key an attribute of them? Has one of them
# outlived its lease? Then the write replaces the attribute that the writer has seen.
LAPSED = "lapsed"
LEASE: Mapping[str, Rule] = {
    NONE: Rule(conditions=("attribute_not_exists(#lease)",), sets=("#lease = :first_lease",)),
    SOME: Rule(
        conditions=("attribute_exists(#lease)", "size(#lease) < :parallel"),
        sets=("#lease.#h = :until",),
    ),
    LAPSED: Rule(conditions=("#lease = :leases",), sets=("#lease = :renewed",)),
}
# By: has the account the lease of this hold? One that has lapsed may be gone.
END_LEASE: Mapping[bool, Rule] = {
    False: Rule(conditions=("attribute_not_exists(#lease.#h)",)),
    True: Rule(conditions=("attribute_exists(#lease.#h)",), removes=("#lease.#h",)),
}
DROP_LEASES = Rule(conditions=("#lease = :leases",), removes=("#lease",))
# By: is the minute over in which the hold's tokens are reserved? Then there is nothing to give back.
END_TOKENS: Mapping[bool, Rule] = {
    False: Rule(conditions=("#minute = :own_minute", "attribute_exists(kt.#k)"), sets=("kt.#k = kt.#k - :unused",)),
    True: Rule(conditions=("#minute > :own_minute",)),
}
# The key's spend, with what it holds, stays below what its owner is told of.
BELOW_ALERT = Rule(conditions=("km.#k < :below",))

# By: is the hold parked? A hold is in exactly one place: inside the account until it has left it.
LIVES: Mapping[bool, Rule] = {
    False: Rule(conditions=("young.#h.a = :hold", "young.#h.k = :key")),
    True: Rule(conditions=("attribute_exists(account_id)", "attribute_not_exists(young.#h)")),
}
# A writer that takes a young hold for one that is not counted.
UNCOUNTED = Rule(conditions=("attribute_not_exists(young.#h.m)",))
LEAVE = Rule(removes=("young.#h",))
# By: has a hold left that was admitted at the same time or later? A try of this hold's admission that arrives after it
# has left would take its amount again, so no admission of its time may come in from now on.
LEFT: Mapping[bool, Rule] = {
    False: Rule(conditions=("(attribute_not_exists(#left) OR #left < :stamp)",), sets=("#left = :stamp",)),
    True: Rule(conditions=("#left >= :stamp",)),
}
END = Rule(sets=("#free = #free + :freed", "held = held - :hold"))
# By: does the free balance lack the cost beyond the hold?
END_BEYOND: Mapping[bool, Rule] = {
    False: Rule(conditions=("#free >= :beyond",)),
    True: Rule(conditions=("#free = :seen_free",)),
}
# By: is the month of admission over? Holds that are not counted use none of these.
SPEND_MONTH: Mapping[bool, Rule] = {
    False: Rule(conditions=("#month = :month",), sets=("km.#k = km.#k + :spend",)),
    True: Rule(conditions=("#month > :month",)),
}
# The same for a seat.
SEAT_MONTH: Mapping[bool, Rule] = {
    False: Rule(conditions=("#month = :seat_month",), sets=("km.#s = km.#s + :spend",)),
    True: Rule(conditions=("#month > :seat_month",)),
}
ADD_SPEND = Rule(conditions=("#month = :month", "attribute_exists(km.#k)"), sets=("km.#k = km.#k + :spend",))
LATE = Rule(sets=("#free = #free + :freed",))
# By: is the key's spend of the hold's month being counted?
LATE_MONTH: Mapping[bool, Rule] = {
    False: Rule(conditions=("(#month < :month OR #month > :month OR attribute_not_exists(km.#k))",)),
    True: ADD_SPEND,
}
# By: is the hold's id below where the account's entries are closed for the sums of usage? Then its end adds itself.
CLOSED: Mapping[bool, Rule] = {
    False: Rule(conditions=("(attribute_not_exists(#closed) OR #closed <= :id)",)),
    True: Rule(conditions=("#closed > :id",)),
}
CLOSE = Rule(conditions=("(attribute_not_exists(#closed) OR #closed < :closed)",), sets=("#closed = :closed",))
EXTEND = Rule(
    conditions=("#free >= :more",),
    sets=("#free = #free - :more", "held = held + :more"),
)
EXTEND_YOUNG = Rule(sets=("young.#h.a = :raised",))
# By: has a new month begun? The count of a key begins at nothing; what it has spent before is added afterwards.
BEGIN_COUNT: Mapping[bool, Rule] = {
    False: Rule(conditions=("#month = :month",), sets=("km.#k = if_not_exists(km.#k, :zero)",)),
    True: Rule(conditions=("#month < :month",), sets=("#month = :month", "km = :first_spend")),
}
COUNT_YOUNG = Rule(conditions=("young.#h.a = :hold",), sets=("young.#h.m = :month",))
LEAVE_INDEX = Rule(conditions=("active_slot = :slot", "size(young) = :zero"), removes=("active_shard", "active_slot"))
WITHIN_CAP = Rule(conditions=("km.#k <= :room",))
WITHIN_SEAT_CAP = Rule(conditions=("km.#s <= :seat_room",))

# Reserved words of the expression language, or similar ones.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
NAMES = {f"#{name}": name for name in ("closed", "free", "left", "minute", "month", "off", "used")}
PLACEHOLDER = re.compile(r"[:#]\w+")


@cache
def _joined(rules: tuple[Rule, ...]) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Condition, update, and the values and names that they use."""
    condition = " AND ".join(condition for rule in rules for condition in rule.conditions)
    sets = ", ".join(clause for rule in rules for clause in rule.sets)
    removes = ", ".join(clause for rule in rules for clause in rule.removes)
    update = f"SET {sets}" + (f" REMOVE {removes}" if removes else "")
    used = sorted(set(PLACEHOLDER.findall(f"{condition} {update}")))
    values, names = (tuple(name for name in used if name.startswith(mark)) for mark in ":#")
    return condition, update, values, names


def write(table: str, key: Item, rules: tuple[Rule, ...], values: Mapping[str, Item], names: Mapping[str, str]) -> Item:
    """An update of one item by these rules, with the `values` and `names` that they use.

    A failed write returns the item on which it failed.
    """
    condition, update, used_values, used_names = _joined((*rules, COUNT))
    known = {**NAMES, **names}
    written = {
        "TableName": table,
        "Key": key,
        "ConditionExpression": condition,
        "UpdateExpression": update,
        "ExpressionAttributeValues": {name: values[name] for name in used_values},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if used_names:
        written["ExpressionAttributeNames"] = {name: known[name] for name in used_names}
    return written

"""Lists, sets and evaluates the operator's policies, by which the targets of aliases are chosen (docs/learning.md).

A policy is a document with a version, which is never written twice. `evaluate` scores one that was never in use by the
decisions that were logged: its own evidence is learned from them as it goes, so that it knows no outcome before it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec.structs import asdict

from gateway.admin.accounts import Document
from gateway.admin.acts import act_of, add_act
from gateway.admin.catalog import read_file
from gateway.errors import Conflict, InvalidRequest
from gateway.learning.choice import Option, propensities
from gateway.learning.evaluation import Evaluation, Logged, Value, evaluated
from gateway.learning.evidence import Table
from gateway.learning.lessons import Lesson
from gateway.learning.policy import Policy, PolicyDocument, PolicyError, policy_document
from gateway.ports.routes import SHARDS, Record, RoutedOutcome, RoutedRating, RouteStore, Slot, StoredPolicy, first_slot
from gateway.wiring.operator import Operator

HISTORY = 100
# Slots that are read at a time, and records of one read.
AT_ONCE, RECORDS = 32, 500
DAYS_MAX = 30
DAY_S = 24 * 3600
TAKEN = "The version {!r} was set before: a version is never written twice."
OVERTAKEN = "Another version was set meanwhile; look at it, and set yours again."


async def list_versions(services: Operator, arguments: argparse.Namespace) -> Document:
    """The last versions, the one in use first."""
    del arguments
    return {"policies": [_described(stored) for stored in await services.routes.policies(HISTORY)]}


async def set_document(services: Operator, arguments: argparse.Namespace) -> Document:
    """Makes a document the one in use."""
    document = _judged(arguments.file)
    history = await services.routes.policies(HISTORY)
    if any(stored.version == document.version for stored in history):
        raise Conflict(TAKEN.format(document.version), code="already_exists")
    number = history[0].number + 1 if history else 1
    stored = StoredPolicy(number, document.version, arguments.file, act_of(arguments).by, int(services.clock.now_s()))
    if not await services.routes.set_policy(stored):
        raise Conflict(OVERTAKEN, code="already_exists")
    return _described(stored)


async def evaluate(services: Operator, arguments: argparse.Namespace) -> Document:
    """Estimates what each part of a document would have been worth in the last days."""
    document, now_s = _judged(arguments.file), services.clock.now_s()
    first, end = first_slot(now_s - arguments.days * DAY_S), first_slot(now_s)
    records = await logged_records(services.routes, first, end)
    found = logged(records)
    parts = []
    for part in document.parts:
        try:
            parts.append({"name": part.name, "kind": part.kind, **_shown(scored(records, found, part))})
        except ValueError as refusal:
            raise InvalidRequest(f"{refusal} (in {arguments.days} days)") from None
    return {"version": document.version, "days": arguments.days, "logged": len(found), "parts": parts}


async def logged_records(store: RouteStore, first: Slot, end: Slot) -> list[Record]:
    """All records of the slots, in the order of time."""
    found: list[Record] = []
    for start in range(first, end + SHARDS, AT_ONCE):
        slots = range(start, min(start + AT_ONCE, end + SHARDS))
        for records in await asyncio.gather(*(_all(store, slot) for slot in slots)):
            found += records
    return sorted(found, key=lambda record: record.at_s)


def logged(records: Sequence[Record]) -> dict[int, Logged]:
    """The decisions that can be scored, by their place among records: those whose choice was the one that was tried."""
    liked = {each.generation_id: each.liked for each in records if isinstance(each, RoutedRating)}
    found = {}
    for place, each in enumerate(records):
        if not isinstance(each, RoutedOutcome) or each.tried != each.chosen:
            continue
        option = each.option
        if option is None or option.propensity <= 0:
            continue
        found[place] = Logged(
            each.request_class,
            tuple(Option(one.arm, one.seconds, one.cost, one.quality) for one in each.offered),
            each.chosen,
            option.propensity,
            each.succeeded,
            each.seconds,
            each.cost,
            liked.get(each.generation_id) if each.succeeded else None,
        )
    return found


def scored(records: Sequence[Record], log: Mapping[int, Logged], policy: Policy) -> Evaluation:
    """The worth of a policy whose evidence, for each request, is of the records before it."""
    lesson, places, taught = Lesson(), iter(log), 0

    def shares(each: Logged) -> list[float]:
        nonlocal taught
        place = next(places)
        lesson.learn(records[taught:place])
        taught = place
        table = lesson.tables.get(each.request_class, Table())
        return [shown.propensity for shown in propensities(each.options, table, policy)]

    return evaluated(list(log.values()), shares, policy)


ACTIONS = {"list": list_versions, "set": set_document, "evaluate": evaluate}


async def run(services: Operator, arguments: argparse.Namespace) -> Document:
    """Runs one of the actions."""
    return await ACTIONS[arguments.action](services, arguments)


def add_parser(commands: Any) -> None:
    """Adds the command's line."""
    policies = commands.add_parser("policies", help="how the targets of aliases are chosen")
    actions = policies.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="all versions, the one in use first")
    changed = actions.add_parser("set", help="make a document the one in use")
    changed.add_argument("file", type=read_file, help="- for standard input")
    add_act(changed)
    scoring = actions.add_parser("evaluate", help="what a document would have been worth, from logged decisions")
    scoring.add_argument("file", type=read_file, help="- for standard input")
    scoring.add_argument("--days", type=int, default=1, choices=range(1, DAYS_MAX + 1), metavar="DAYS")


def _judged(text: str) -> PolicyDocument:
    try:
        return policy_document(orjson.loads(text))
    except (orjson.JSONDecodeError, PolicyError) as error:
        raise InvalidRequest(f"The document is no policy: {error}") from None


async def _all(store: RouteStore, slot: Slot) -> list[Record]:
    found: list[Record] = []
    after = ""
    while page := await store.records(slot, after, RECORDS):
        found += [record for _, record in page]
        after = page[-1][0]
        if len(page) < RECORDS:
            break
    return found


def _described(stored: StoredPolicy) -> Document:
    described: Document = asdict(stored)
    return {**described, "document": msgspec.json.decode(described.pop("text"))}


def _shown(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "ips": _value(evaluation.ips),
        "doubly_robust": _value(evaluation.doubly_robust),
        "effective": round(evaluation.effective, 1),
        "unsupported": round(evaluation.unsupported, 4),
    }


def _value(value: Value) -> dict[str, float]:
    return {"mean": round(value.mean, 5), "low": round(value.low, 5), "high": round(value.high, 5)}

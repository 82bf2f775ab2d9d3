"""Writes docs/cost.md from counts and prices: `python -m bench cost`.

The counts (`bench/costs/counts.json`) are measured on a local stack by `python -m tests.stack.costs`. The prices are in
`bench/costs/prices.json`. What can only be assumed, since it is the customers' or AWS's, is here, each with its reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).with_name("costs")
PAGE = Path(__file__).parents[1] / "docs" / "cost.md"
MILLION = 1_000_000
GB = 1e9
MONTH_S = 730 * 3_600
KB = 1_024

# Seconds that a function runs for one request. An answer of a model is what a provider takes for it.
ANSWER_S = 10.0
SECONDS = {
    # A buffered function: two calls to DynamoDB, and some milliseconds of a seventh of a core to two thirds.
    "videos": 0.15,
    "generation": 0.15,
    "files": 0.1,
    "keys": 0.1,
    "models": 0.1,
    "billing": 0.1,
    "webhooks": 0.1,
    "account": 0.1,
    "callbacks": 0.1,
    # All steps of a job but its polls: the order to the provider, and the copy of its result.
    "jobs": 6.0,
    "notifier": 0.2,
    # A picture, and a minute of speech.
    "images": 15.0,
    "audio": 5.0,
}
# A provider that says no words, but numbers.
WORDLESS_S = 0.5
POLL_S = 0.3
# A video takes two minutes: tries of Await are 6 s apart at first, then 7, 9, 13, 21 and 30.
POLLS = 8
# Submit, Await, Mirror, Settle and Notify, and the choice after each of the first three.
JOB_STATES = 8
CALLED_BACK = "videos, called back"
JOBS = {"videos", "generation", CALLED_BACK}
JOB_BYTES = 5_000_000
# 600 events of 250 bytes, or a whole answer of 2 KB.
STREAM_BYTES, ANSWER_BYTES = 150_000, 2_000
# One line of API Gateway for each request; of Lambda START, END and REPORT, with 26 bytes for each event.
ACCESS_LINE_BYTES, PLATFORM_LINES_BYTES = 430, 420
SWEEP_S, RECONCILE_S, SUM_UP_S, LEARN_S = 0.3, 0.2, 0.2, 0.2
# The memory that SnapStart is weighed for: most functions that answer have it.
SNAPSHOT_GB = 0.25
SWEEPS, RECONCILES, SUMS, LESSONS = MONTH_S // 300, MONTH_S // 60, MONTH_S // 60, MONTH_S // 60
# Lambda's five readers of a queue wait 20 s each.
QUEUE_POLLS = 5 * MONTH_S // 20
# A global secondary index that a write of the table moves is written too.
INDEX_WRITES = {"jobs": 2}


@dataclass(frozen=True, slots=True)
class Setting:
    """The levers that the page weighs."""

    answer_s: float = ANSWER_S
    memory_mb: int | None = None
    gb_s: str = "lambda_gb_s_arm64"
    stream_bytes: int = STREAM_BYTES
    log_share: float = 1.0
    polls: int = POLLS


@dataclass(frozen=True, slots=True)
class Counted:
    """Both files."""

    counts: Mapping[str, Any]
    usd: Mapping[str, float]

    @property
    def requests(self) -> list[str]:
        """The kinds of requests."""
        return list(self.counts["requests"])


Parts = dict[str, float]
STREAM = "chat, streamed"


def read() -> Counted:
    """Reads the counts and the prices."""
    counts = orjson.loads((FOLDER / "counts.json").read_bytes())
    return Counted(counts, orjson.loads((FOLDER / "prices.json").read_bytes())["usd"])


def units(counted: Counted, name: str, setting: Setting) -> tuple[float, float]:
    """DynamoDB's write and read units of one request: a kilobyte written, two in a transaction, 4 KB read."""
    written = read_units = 0.0
    for calls in counted.counts["requests"][name]["calls"].values():
        for call, times in calls.items():
            service, operation, *rest = call.split()
            if service != "dynamodb" or operation == "transaction":
                continue
            transacted = operation == "transacted"
            table = rest[1] if transacted else rest[0]
            kb = -(-counted.counts["item_bytes"].get(table, KB) // KB)
            if operation in {"GetItem", "Query"}:
                read_units += times * (1 if operation == "GetItem" else 0.5) * -(-kb // 4)
            else:
                written += times * (2 * kb if transacted else kb + INDEX_WRITES.get(table, 0))
    if name in JOBS:
        job_kb = -(-counted.counts["item_bytes"]["jobs"] // KB)
        written += (_polls(name, setting) - 1) * (job_kb + INDEX_WRITES["jobs"])
        read_units += _polls(name, setting) - 1
    return written, read_units


def cost(counted: Counted, name: str, setting: Setting) -> Parts:
    """USD for a million requests, by what is paid for."""
    usd, found = counted.usd, counted.counts["requests"][name]
    written, read_units = units(counted, name, setting)
    invocations = len(found["calls"]) + (JOB_STATES - 4 + _polls(name, setting) if name in JOBS else 0)
    all_calls = [(call, times) for calls in found["calls"].values() for call, times in calls.items()]
    puts = sum(times for call, times in all_calls if call in {"s3 PUT", "s3 POST"})
    gets = sum(times for call, times in all_calls if call in {"s3 GET", "s3 HEAD"})
    logged = (
        sum(found["log_bytes"].values()) * setting.log_share + ACCESS_LINE_BYTES + PLATFORM_LINES_BYTES * invocations
    )
    parts = {
        "Lambda": gb_s(counted, name, setting) * usd[setting.gb_s] + invocations * usd["lambda_request"],
        "API": usd["rest_api_request"],
        "DynamoDB": written * usd["write_unit"] + read_units * usd["read_unit"],
        "S3": puts * usd["s3_put"] + gets * usd["s3_get"],
        "Step Functions": _transitions(name, setting) * usd["transition"],
        "logs": logged / GB * usd["log_gb"],
        "egress": _egress_bytes(name, setting) / GB * usd["egress_gb"],
    }
    return {part: value * MILLION for part, value in parts.items()}


def gb_s(counted: Counted, name: str, setting: Setting) -> float:
    """Lambda's gigabyte-seconds of one request, over all functions that have a part in it."""
    seconds = {family: _seconds(counted, family, setting) for family in counted.counts["requests"][name]["calls"]}
    if name in JOBS:
        seconds["jobs"] += _polls(name, setting) * POLL_S
    memory = counted.counts["template"]["memory_mb"]
    return sum(s * (setting.memory_mb or memory[family]) / KB for family, s in seconds.items())


def _polls(name: str, setting: Setting) -> int:
    """Counts how often a job asks its provider: once where the provider calls back."""
    return 1 if name == CALLED_BACK else setting.polls


def _seconds(counted: Counted, family: str, setting: Setting) -> float:
    is_wordless = family in counted.counts["template"].get("wordless", ())
    return SECONDS.get(family, WORDLESS_S if is_wordless else setting.answer_s)


def _transitions(name: str, setting: Setting) -> int:
    if name in JOBS:
        return JOB_STATES + _polls(name, setting) - 1
    return 1 if name == "responses, background" else 0


def _egress_bytes(name: str, setting: Setting) -> int:
    if name in JOBS:
        return JOB_BYTES
    return setting.stream_bytes if "stream" in name else ANSWER_BYTES


def idle(counted: Counted) -> Parts:
    """USD for a month in which nothing is asked."""
    usd, template = counted.usd, counted.counts["template"]
    memory, shards = template["memory_mb"], template["shards"]
    scheduled = {
        "sweeper": (SWEEPS, SWEEP_S),
        "reconciler": (RECONCILES, RECONCILE_S),
        "usage": (SUMS, SUM_UP_S),
        "learner": (LESSONS, LEARN_S),
    }
    gb_s = sum(times * seconds * memory[family] for family, (times, seconds) in scheduled.items()) / KB
    # One query for each shard of an index; an empty answer is half a unit.
    reads = sum(times * shards[family] for family, (times, _) in scheduled.items()) * 0.5
    runs = sum(times for times, _ in scheduled.values())
    return {
        f"{template['alarms']} alarms over {template['alarm_metrics']} metrics": template["alarm_metrics"]
        * usd["alarm_metric_month"],
        f"{template['secrets']} secrets": template["secrets"] * usd["secret_month"],
        f"{template['kms_keys']} key of KMS": template["kms_keys"] * usd["kms_key_month"],
        "sweeper every 5 minutes; reconciler, sums of usage and learner every minute": gb_s * usd["lambda_gb_s_arm64"]
        + runs * usd["lambda_request"]
        + reads * usd["read_unit"]
        + runs * PLATFORM_LINES_BYTES / GB * usd["log_gb"],
        f"Lambda's readers of {template['read_queues']} queues": template["read_queues"] * QUEUE_POLLS * usd["sqs"],
    }


def page(counted: Counted) -> str:
    """The whole document."""
    usd, entry_bytes = counted.usd, counted.counts["item_bytes"]["ledger"]
    return (
        (FOLDER / "page.md")
        .read_text()
        .format(
            requests=_requests(counted),
            idle=_idle(counted),
            dominating=_dominating(counted),
            levers=_levers(counted),
            answer_s=ANSWER_S,
            answer_bytes=ANSWER_BYTES,
            stream_bytes=STREAM_BYTES,
            polls=POLLS,
            job_bytes=JOB_BYTES,
            entry_bytes=entry_bytes,
            entries_usd=_usd(entry_bytes * MILLION / GB * usd["table_gb_month"]),
            snapshot_usd=_usd(SNAPSHOT_GB * MONTH_S * usd["snapshot_gb_s"]),
            restores_usd=_usd(SNAPSHOT_GB * MILLION * usd["restore_gb"]),
            instances_usd=_usd(usd["managed_instances_month"]),
            instances_millions=usd["managed_instances_month"] / cost(counted, STREAM, Setting())["Lambda"],
        )
    )


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _requests(counted: Counted) -> str:
    rows = []
    for name in counted.requests:
        costs = cost(counted, name, Setting())
        written, read_units = units(counted, name, Setting())
        logged = sum(counted.counts["requests"][name]["log_bytes"].values())
        shown = [*map(_usd, costs.values()), f"**{_usd(sum(costs.values()))}**"]
        counts = [
            f"{gb_s(counted, name, Setting()):.3g}",
            f"{written:g}, {read_units:g}",
            str(_transitions(name, Setting())),
            f"{_egress_bytes(name, Setting()):,}",
            f"{logged:,}",
        ]
        rows.append([name, *shown, *counts])
    parts = cost(counted, STREAM, Setting())
    counts = ["GB-s", "units written, read", "transitions", "bytes out", "log bytes"]
    return _markdown(["family", *parts, "**in all**", *counts], rows)


def _idle(counted: Counted) -> str:
    costs = idle(counted)
    whole = ["**in all**", f"**{_usd(sum(costs.values()))}**"]
    return _markdown(["what", "USD"], [*([name, _usd(value)] for name, value in costs.items()), whole])


def _dominating(counted: Counted) -> str:
    rows = []
    for name in counted.requests:
        costs = cost(counted, name, Setting())
        largest = sorted(costs.items(), key=lambda part: -part[1])[:2]
        rows.append([name, *(f"{part}, {100 * value / sum(costs.values()):.0f} %" for part, value in largest)])
    return _markdown(["family", "first", "second"], rows)


def _levers(counted: Counted) -> str:
    usual = Setting()
    rows = []
    for what, name, setting in (
        ("answers of 3 s in place of 10", STREAM, replace(usual, answer_s=3.0)),
        ("x86 in place of arm64", STREAM, replace(usual, gb_s="lambda_gb_s_x86")),
        ("512 MB in place of 256", STREAM, replace(usual, memory_mb=512)),
        ("1,024 MB in place of 256", STREAM, replace(usual, memory_mb=1_024)),
        ("events joined to a third of the bytes", STREAM, replace(usual, stream_bytes=STREAM_BYTES // 3)),
        ("no log line of our own", STREAM, replace(usual, log_share=0.0)),
        (f"a provider that calls back: 1 poll in place of {POLLS}", "videos", replace(usual, polls=1)),
    ):
        rows.append([what, name, *_saved(cost(counted, name, usual), cost(counted, name, setting))])
    for what, name, other in (
        ("no Idempotency-Key", "chat, with an Idempotency-Key", "chat"),
        ("`store: false`", "responses, stored", "responses, not stored"),
    ):
        rows.append([what, name, *_saved(cost(counted, name, usual), cost(counted, other, usual))])
    return _markdown(["lever", "family", "USD a million, before", "after", "saved"], rows)


def _saved(before: Parts, after: Parts) -> list[str]:
    whole, left = sum(before.values()), sum(after.values())
    return [_usd(whole), _usd(left), f"{100 * (1 - left / whole):.0f} %"]


def _usd(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def main() -> int:
    """Writes the page."""
    PAGE.write_text(page(read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

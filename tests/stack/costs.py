"""Counts what one request of each family asks of AWS on a local stack, for docs/cost.md: `python -m tests.stack.costs`

It writes bench/costs/counts.json: the calls of every function that had a part in the request, as the log of AWS calls
has them, the bytes that they logged, the mean size of each table's items, and what the template has that costs while
idle. `python -m bench cost` makes the page of it.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from gateway.stores.money.items import HOLD_SHARDS, SHARDS
from local.aws_services import Services
from local.operator_commands import running_environment
from local.resource_names import ResourceNames
from local.template import resolve, translate
from tests.hangs import HANGS_AFTER_S
from tests.money.simulation.dynamodb import text_bytes
from tests.roles.judge import CALLS
from tests.stack.conftest import Stack, lift_limit, running
from tests.template import translated
from tests.template.families import naming, streamed

ROOT = Path(__file__).parents[2]
COUNTS = ROOT / "bench" / "costs" / "counts.json"
SAY = [{"role": "user", "content": "Say one word."}]
CHAT = {"model": "gpt-4o", "messages": SAY}
INPUT = {"model": "gpt-4o", "input": "Say one word."}
REQUESTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "chat": ("POST", "/v1/chat/completions", CHAT),
    "chat, streamed": ("POST", "/v1/chat/completions", {**CHAT, "stream": True}),
    "chat, with an Idempotency-Key": ("POST", "/v1/chat/completions", CHAT),
    "chat, legacy completions": ("POST", "/v1/completions", {"model": "gpt-4o", "prompt": "Say one word."}),
    "messages": ("POST", "/v1/messages", {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": SAY}),
    "gemini": ("POST", "/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "Hi."}]}]}),
    "responses, stored": ("POST", "/v1/responses", INPUT),
    "responses, not stored": ("POST", "/v1/responses", {**INPUT, "store": False}),
    "responses, background": (
        "POST",
        "/v1/responses",
        {**INPUT, "background": True},
    ),
    "videos": ("POST", "/v1/videos/generations", {"model": "wan-2.6", "prompt": "a cat", "duration_sec": 5}),
    # A provider that calls back when it is done.
    "videos, called back": ("POST", "/v1/videos/generations", {"model": "seedance-1-pro", "prompt": "a cat"}),
    "generation": ("POST", "/v1/3d/generations", {"model": "hunyuan-3d-2", "prompt": "a longboat"}),
    "files": ("POST", "/v1/files/presign", {"purpose": "reference_image", "size": 100, "type": "image/png"}),
    "keys": ("POST", "/v1/keys", {"name": "counted"}),
    "models": ("GET", "/v1/models", None),
    "billing": ("GET", "/v1/billing/balance", None),
    "webhooks": ("GET", "/v1/webhooks/secret", None),
}
# Those that have a provider answer and hold no conversation are asked as their samples of an event ask.
WORDLESS = sorted(streamed().keys() - set(naming("ConversationPolicy")))
# Scheduled functions work for no request.
SCHEDULED = {"sweeper", "reconciler", "usage", "learner"}
SERVICES = {"DynamoDB": "dynamodb", "AWSStepFunctions": "states", "AmazonSQS": "sqs"}
TIMES = 4
AFTERWARDS_S = 2.0
OVER = {"succeeded", "failed", "canceled", "completed"}


def sampled(family: str) -> tuple[str, str, dict[str, Any]]:
    """Reads the request of a family's first sample."""
    event = orjson.loads((ROOT / "events" / f"{family}.json").read_bytes())
    return event["httpMethod"], event["path"], orjson.loads(event["body"])


REQUESTS |= {family: sampled(family) for family in WORDLESS}


def main() -> int:
    """Starts a stack, asks, writes the counts."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        lift_limit(stack)
        counts = measured(stack)
    families = {family for request in counts["requests"].values() for family in request["calls"]}
    counts["template"] = of_the_template(families | SCHEDULED)
    COUNTS.write_bytes(orjson.dumps(counts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return 0


def measured(stack: Stack) -> dict[str, Any]:
    """The counts of each kind of request, and the tables' item sizes."""
    newest = max(CALLS.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    found = {}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        for name in REQUESTS:
            _asked(client, name, 0)
            time.sleep(AFTERWARDS_S)
            calls_at, logs_at = newest.stat().st_size, _log_bytes(stack)
            for number in range(1, TIMES + 1):
                _asked(client, name, number)
            time.sleep(AFTERWARDS_S)
            calls = newest.read_bytes()[calls_at:].splitlines()
            found[name] = {
                "calls": _per_request(calls),
                "log_bytes": _grown(logs_at, _log_bytes(stack)),
            }
    return {"requests": found, "item_bytes": dict(_item_bytes(stack))}


def of_the_template(counted: set[str]) -> dict[str, Any]:
    """The memory of each counted function in MB by family, and what costs while nothing runs."""
    stack = resolve(translate(ROOT / "template.yaml"), ROOT, ResourceNames("http://127.0.0.1"))
    functions = {function.family: function for function in stack.functions.values()}
    resources = translated.translate(translated.load()).resources.values()
    alarms = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = [sum("MetricStat" in part for part in alarm.get("Metrics", ())) or 1 for alarm in alarms]
    return {
        "memory_mb": {name: function.memory_mb for name, function in functions.items() if name in counted},
        "wordless": WORDLESS,
        "alarms": len(alarms),
        "alarm_metrics": sum(metrics),
        "secrets": sum(resource["Type"] == "AWS::SecretsManager::Secret" for resource in resources),
        "kms_keys": sum(resource["Type"] == "AWS::KMS::Key" for resource in resources),
        "read_queues": sum(resource["Type"] == "AWS::Lambda::EventSourceMapping" for resource in resources),
        "shards": {"sweeper": SHARDS + HOLD_SHARDS, "reconciler": SHARDS, "usage": SHARDS, "learner": 1},
    }


def _grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """The bytes of log that one request added, by function."""
    grown = {family: size - before.get(family, 0) for family, size in after.items() if family not in SCHEDULED}
    return {family: round(size / TIMES) for family, size in grown.items() if size}


def _asked(client: httpx.Client, name: str, number: int) -> None:
    method, path, body = REQUESTS[name]
    headers = {"Idempotency-Key": f"{name}-{number}"} if "Idempotency" in name else {}
    answer = client.request(method, path, json=body, headers=headers)
    if answer.status_code >= 300:
        sys.exit(f"{name}: {answer.text}")
    if name == "responses, background":
        _waited(lambda: client.get(f"/v1/responses/{answer.json()['id']}"))
    elif answer.status_code == 202:
        _waited(lambda: client.get(f"/v1/generation/jobs/{answer.json()['job_id']}"))


def _waited(ask: Callable[[], httpx.Response]) -> None:
    """Waits for a job's end; the first look comes late, so that few of them are counted with the job."""
    until_s = time.monotonic() + HANGS_AFTER_S
    while time.monotonic() < until_s:
        time.sleep(3)
        if ask().raise_for_status().json()["status"] in OVER:
            return
    sys.exit("a job did not end")


def _per_request(lines: list[bytes]) -> dict[str, dict[str, float]]:
    """The calls of one request by function: `dynamodb GetItem keys`, `s3 PUT`, `states StartExecution`."""
    counted: dict[str, Counter[str]] = {}
    for line in map(orjson.loads, lines):
        family = _family(line["function"])
        if family not in SCHEDULED:
            counted.setdefault(family, Counter()).update(_calls(line))
    return {name: {call: round(n / TIMES, 2) for call, n in sorted(calls.items())} for name, calls in counted.items()}


def _family(function: Any) -> str:
    return str(function.rpartition("-")[2].removesuffix("Function").lower())


def _calls(line: dict[str, Any]) -> Iterator[str]:
    service, _, operation = line["operation"].partition(".")
    if not operation:
        yield f"s3 {line['method']}"
        return
    names = line["names"]
    if "parts" in names:
        yield "dynamodb transaction"
        for part, table in names["parts"]:
            yield f"dynamodb transacted {part} {_table(table)}"
        return
    index = f" {names['IndexName']}" if "IndexName" in names else ""
    table = f" {_table(names['TableName'])}{index}" if "TableName" in names else ""
    yield f"{SERVICES.get(service.partition('_')[0], service)} {operation}{table}"


def _table(name: str) -> str:
    found = re.search(r"([A-Za-z]+)Table", name)
    return found[1].lower() if found else name


def _log_bytes(stack: Stack) -> dict[str, int]:
    return {_family(path.stem): path.stat().st_size for path in stack.data.rglob("nexgate-*.log")}


def _item_bytes(stack: Stack) -> Iterator[tuple[str, int]]:
    """The mean size of a table's items, by its name."""
    environment = running_environment(stack.data)
    client = Services(environment["AWS_ENDPOINT_URL_DYNAMODB"], stack.moto_url).client("dynamodb")
    for name in client.list_tables()["TableNames"]:
        items = client.scan(TableName=name)["Items"]
        if items:
            yield _table(name), round(sum(map(_bytes, items)) / len(items))


def _bytes(item: dict[str, Any]) -> int:
    return sum(text_bytes(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return text_bytes(content)
        case "N":
            return len(content) // 2 + 1
        case "M":
            return 3 + len(content) + _bytes(content)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "B":
            return len(content)
    return 1


if __name__ == "__main__":
    sys.exit(main())

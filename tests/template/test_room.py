"""Tests that the one stack leaves a fifth of what CloudFormation takes to spare, and stays readable.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import copy
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from local.language_extensions import expand
from local.translation import parsed
from tests.template.translated import ROOT, Stack, translate

RESOURCES_MAX = 500
BYTES_MAX = 1_000_000
TO_SPARE = 1 / 5
LINES_PER_FUNCTION_MAX = 90
LINES_PER_FAMILY_MAX = 50


@dataclass(frozen=True)
class Size:
    """A translated template's resources, and its bytes."""

    resources: int
    bytes: int

    def __sub__(self, other: "Size") -> "Size":
        return Size(self.resources - other.resources, self.bytes - other.bytes)


def size(stack: Stack) -> Size:
    return Size(len(stack.resources), len(json.dumps(stack.resources)))


def source() -> dict[str, Any]:
    template: dict[str, Any] = parsed((ROOT / "template.yaml").read_text())
    return template


def with_family(template: dict[str, Any]) -> dict[str, Any]:
    """Adds one family: the responses function's, which has two routes and more grants than most."""
    grown = copy.deepcopy(template)
    resources = grown["Resources"]
    paths = resources["Api"]["Properties"]["DefinitionBody"]["paths"]
    resources |= renamed({name: resources[name] for name in ("ResponsesFunction", "ResponsesRole")})
    paths |= renamed({path: paths[path] for path in ("/v1/responses", "/v1/responses/{proxy+}")})
    for loop in ("Families", "Answering"):
        resources[f"Fn::ForEach::{loop}"][1].append("Another")
    grown["Mappings"]["Alarms"]["Another"] = {"SlowMs": 1}
    return grown


def renamed(part: dict[str, Any]) -> dict[str, Any]:
    text = re.sub(r"Responses(Function|Role|Logs|Alarm)", r"Another\1", json.dumps(part))
    parsed: dict[str, Any] = json.loads(text.replace("/v1/responses", "/v1/another"))
    return parsed


def function_count() -> int:
    text = (ROOT / "template.yaml").read_text()
    return len(re.findall(r"(?m)^    Type: AWS::Serverless::Function$", text))


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_the_template_leaves_a_fifth_to_spare(capsys: pytest.CaptureFixture[str]) -> None:
    now = size(translate(expand(source())))
    each = size(translate(expand(with_family(source())))) - now
    with capsys.disabled():
        sys.stdout.write(f"\ntemplate: {now}; a family more: {each}\n")
    assert each.resources >= 7
    assert now.resources <= RESOURCES_MAX * (1 - TO_SPARE)
    assert now.bytes <= BYTES_MAX * (1 - TO_SPARE)


def test_the_template_stays_readable() -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    assert len(lines) <= LINES_PER_FUNCTION_MAX * function_count()


def test_a_family_takes_few_lines() -> None:
    lines = [line for line in (ROOT / "template.yaml").read_text().splitlines() if line]
    starts = [n for n, line in enumerate(lines) if re.fullmatch(r"  \S+:", line)]
    taken: dict[str, int] = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = re.fullmatch(r"  ([A-Z]\w+?)(Function|Role):", lines[start])
        if match and "Gateway" not in match[1] and "StateMachine" not in match[1]:
            taken[match[1]] = taken.get(match[1], 0) + end - start
    # The name in the loop and its row of the mapping.
    assert {family: count + 2 for family, count in taken.items() if count + 2 > LINES_PER_FAMILY_MAX} == {}

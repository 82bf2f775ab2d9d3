"""The table of what an idle stack costs is added up, and counts what the template has."""

import re
from decimal import ROUND_HALF_UP, Decimal

from tests.template.translated import ROOT, Stack

CENT = Decimal("0.01")
ROW = re.compile(r"\| (?P<what>[^|*]+) \| (?P<count>[\d.]+) \| (?P<price>[\d.]+) \| (?P<usd>[\d.]+) \|")


def rows() -> list[re.Match[str]]:
    found = list(ROW.finditer((ROOT / "docs" / "operations.md").read_text()))
    assert found
    return found


def counted(start: str) -> Decimal:
    (row,) = (row for row in rows() if row["what"].startswith(start))
    return Decimal(row["count"])


def test_each_row_is_its_product_and_the_last_their_sum() -> None:
    for row in rows():
        product = (Decimal(row["count"]) * Decimal(row["price"])).quantize(CENT, ROUND_HALF_UP)
        assert Decimal(row["usd"]) == product, row["what"]
    told = re.search(r"\*\*sum\*\* \| \| \| \*\*([\d.]+)\*\*", (ROOT / "docs" / "operations.md").read_text())
    assert told is not None
    assert Decimal(told[1]) == sum(Decimal(row["usd"]) for row in rows())


def test_alarms_and_secrets_are_as_many_as_the_template_has(stack: Stack) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    metrics = sum(max(1, sum("MetricStat" in query for query in alarm.get("Metrics", []))) for alarm in alarms)
    assert counted("metrics") == metrics
    assert counted("secrets") == len(stack.of_type("AWS::SecretsManager::Secret"))


def test_schedules_and_polls_are_those_of_a_month(stack: Stack) -> None:
    minutes = {"rate(1 minute)": 1, "rate(5 minutes)": 5}
    rules = stack.of_type("AWS::Events::Rule").values()
    invocations = sum(730 * 60 // minutes[rule["ScheduleExpression"]] for rule in rules)
    assert counted("their invocations") == Decimal(invocations) / 10**6
    assert counted("GB-seconds") == Decimal(invocations) / 20
    pollers = len(stack.of_type("AWS::Lambda::EventSourceMapping"))
    assert counted("polls") == Decimal(pollers * 5 * 730 * 3600) / 20 / 10**6

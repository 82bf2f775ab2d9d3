"""Tests that the operator's own metrics have alarms, of this stack alone, and that each alarm can ring."""

import re
from typing import Any

from gateway.logs.metrics import DIMENSION, NAMESPACE, Metric
from tests.template.translated import Stack

# Metrics to look at, not to be called for: their rise alone needs no one.
LOOKED_AT = {
    Metric.HOLDS_SWEPT: "sweeping overdue holds is the sweeper's work",
    Metric.HEDGES_LOST: "overtaking a late provider is what hedging is for",
    Metric.HEDGES_NANOUSD: "each process keeps it within a share of what is billed, and so many beside a silent target",
    Metric.CONTINUATIONS: "going on after a cut is what callers ask for",
    Metric.CONTINUATIONS_NANOUSD: "each request's is a prompt that its caller has paid for once",
    Metric.JOBS_RECONCILED: "starting lost jobs anew is the reconciler's work",
    Metric.SHORTFALLS: "its amount has an alarm",
    Metric.WEBHOOK_TRIES_FAILED: "a customer's server did not answer, and is tried again",
    Metric.WEBHOOKS_GIVEN_UP: "a customer's server did not answer for a day",
}


def own_alarms(stack: Stack) -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the metrics of the functions' own that each alarm looks at, by their ids in its expression."""
    found = {
        name: {
            query["Id"]: query["MetricStat"]
            for query in alarm.get("Metrics", [])
            if query.get("MetricStat", {}).get("Metric", {}).get("Namespace") == NAMESPACE
        }
        for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items()
    }
    own = {name: metrics for name, metrics in found.items() if metrics}
    assert own
    return own


def test_every_metric_has_an_alarm_or_a_reason_to_have_none(stack: Stack) -> None:
    named = [stat["Metric"]["MetricName"] for metrics in own_alarms(stack).values() for stat in metrics.values()]
    assert sorted([*named, *LOOKED_AT]) == sorted(Metric)


def test_an_alarm_looks_at_the_metrics_of_its_own_stack(stack: Stack) -> None:
    dimensions = [stat["Metric"]["Dimensions"] for metrics in own_alarms(stack).values() for stat in metrics.values()]
    assert dimensions
    assert all(found == [{"Name": DIMENSION, "Value": {"Ref": "AWS::StackName"}}] for found in dimensions)


def test_an_alarm_s_expression_takes_all_its_metrics_and_fills_what_is_missing(stack: Stack) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    for name, metrics in own_alarms(stack).items():
        (expression,) = (query["Expression"] for query in alarms[name]["Metrics"] if "Expression" in query)
        assert re.findall(r"FILL\((\w+), 0\)", expression) == list(metrics), name
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html: ten, of one period.
        assert len(metrics) < 10
        assert len({stat["Period"] for stat in metrics.values()}) == 1

"""Counts the operator's metrics as log lines in CloudWatch's embedded metric format: no call, no wait.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

NAMESPACE = "Nexgate"
DIMENSION = "Stack"
# The attribute of a log record that holds its metrics.
METRIC = "metric_values"

_log = logging.getLogger(__name__)


class Metric(StrEnum):
    """All metrics, by their names in CloudWatch; docs/logging.md explains each."""

    SETTLEMENTS_DEFERRED = "SettlementsDeferred"
    SETTLEMENTS_LOST = "SettlementsLost"
    SETTLEMENTS_RETRIED = "SettlementsRetried"
    HOLDS_SWEPT = "HoldsSwept"
    HOLDS_LEFT = "HoldsLeft"
    HOLDS_UNREADABLE = "HoldsUnreadable"
    USAGE_BEYOND_BOUNDS = "UsageBeyondBounds"
    SHORTFALLS = "Shortfalls"
    SHORTFALL_NANOUSD = "ShortfallNanoUsd"
    JOBS_RECONCILED = "JobsReconciled"
    JOBS_LEFT = "JobsLeft"
    WEBHOOK_TRIES_FAILED = "WebhookTriesFailed"
    WEBHOOKS_GIVEN_UP = "WebhooksGivenUp"
    PAYMENTS_UNMATCHED = "PaymentsUnmatched"
    ANSWERS_NOT_KEPT = "AnswersNotKept"
    RESPONSES_NOT_KEPT = "ResponsesNotKept"
    HEDGES_LOST = "HedgesLost"
    HEDGES_NANOUSD = "HedgesNanoUsd"
    CONTINUATIONS = "Continuations"
    CONTINUATIONS_NANOUSD = "ContinuationsNanoUsd"
    SIGNATURES_NOT_KEPT = "SignaturesNotKept"
    CATALOG_NOT_FOLLOWED = "CatalogNotFollowed"


def measure(values: dict[Metric, int]) -> None:
    """Logs one line that CloudWatch turns into a data point for each value."""
    _log.info("metrics", extra={METRIC: values})


def count(metric: Metric, value: int = 1) -> None:
    """Adds to one metric."""
    measure({metric: value})


def emf(values: dict[Metric, int], stack: str, timestamp_ms: int) -> dict[str, Any]:
    """The members that make a log line a set of data points."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    about = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    points: dict[str, Any] = {name.value: value for name, value in values.items()}
    return {DIMENSION: stack, **points, "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [about]}}

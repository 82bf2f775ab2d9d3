"""Tests of metrics: CloudWatch can read them from a line, and each is named in one place and counted somewhere."""

import ast

import orjson
import pytest

from gateway.logs.lines import configure
from gateway.logs.metrics import Metric, count, measure
from tests.arch.tree import python_files, syntax

SOURCES = [path for path in python_files() if path.parts[0] in {"layers", "functions"}]


def test_a_line_is_what_cloudwatch_makes_data_points_of(capsys: pytest.CaptureFixture[str]) -> None:
    configure("nexgate-test")
    measure({Metric.HOLDS_SWEPT: 3, Metric.HOLDS_LEFT: 0})
    line = orjson.loads(capsys.readouterr().err)
    directive = line["_aws"]["CloudWatchMetrics"]
    assert directive == [
        {
            "Namespace": "Nexgate",
            "Dimensions": [["Stack"]],
            "Metrics": [{"Name": "HoldsSwept", "Unit": "Count"}, {"Name": "HoldsLeft", "Unit": "Count"}],
        }
    ]
    assert (line["Stack"], line["HoldsSwept"], line["HoldsLeft"]) == ("nexgate-test", 3, 0)
    assert line["_aws"]["Timestamp"] // 1000 > 1_795_000_000


def test_one_is_counted_where_no_value_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    configure("nexgate-test")
    count(Metric.SETTLEMENTS_LOST)
    assert orjson.loads(capsys.readouterr().err)["SettlementsLost"] == 1


def test_every_metric_is_counted_somewhere() -> None:
    used = {
        node.attr
        for path in SOURCES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Metric"
    }
    assert used == set(Metric.__members__)


def test_a_metric_is_named_in_one_place_only() -> None:
    names = {metric.value for metric in Metric}
    found = [
        path.name
        for path in SOURCES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert found == ["metrics.py"] * len(names)

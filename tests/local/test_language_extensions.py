"""Tests that loops are expanded as AWS's own linter does, and that a wrong loop is refused by its name."""

from typing import Any

import pytest
from cfnlint.template import Template
from cfnlint.template.transforms._language_extensions import language_extension

from local.language_extensions import LoopError, expand
from local.translation import parsed
from tests.template.translated import ROOT

TRANSFORM = {"Transform": "AWS::LanguageExtensions"}
TOPIC = {"Type": "AWS::SNS::Topic"}


def made(resources: dict[str, Any], **more: Any) -> Any:
    return expand({**TRANSFORM, **more, "Resources": resources})["Resources"]


def test_the_template_is_expanded_as_cfn_lint_expands_it() -> None:
    source = parsed((ROOT / "template.yaml").read_text())
    problems, theirs = language_extension(Template("template.yaml", source, ["us-east-1"]))
    ours = expand(source)
    assert problems == []
    assert not any("Fn::ForEach" in name for name in ours["Resources"])
    assert {**ours, "Transform": theirs["Transform"]} == theirs


def test_a_value_stands_in_keys_texts_and_references() -> None:
    loop = [
        "Name",
        ["A", "B"],
        {
            "${Name}Topic": {
                **TOPIC,
                "Properties": {"DisplayName": {"Ref": "Name"}, "TopicName": {"Fn::Sub": "t-${Name}"}},
            }
        },
    ]
    assert made({"Fn::ForEach::Topics": loop}) == {
        "ATopic": {**TOPIC, "Properties": {"DisplayName": "A", "TopicName": "t-A"}},
        "BTopic": {**TOPIC, "Properties": {"DisplayName": "B", "TopicName": "t-B"}},
    }


def test_a_loop_within_a_loop_has_both_values() -> None:
    inner = {"Fn::ForEach::Inner": ["Y", ["1", "2"], {"${X}${Y}": TOPIC}]}
    assert list(made({"Fn::ForEach::Outer": ["X", ["A", "B"], inner]})) == ["A1", "A2", "B1", "B2"]


def test_a_reference_may_be_made_of_the_value() -> None:
    body = {"${X}Topic": {**TOPIC, "Properties": {"DisplayName": {"Ref": {"Fn::Sub": "${X}Other"}}}}}
    assert made({"Fn::ForEach::Topics": ["X", ["A"], body]})["ATopic"]["Properties"] == {
        "DisplayName": {"Ref": "AOther"}
    }


def test_a_mapping_is_looked_up_by_the_value() -> None:
    body = {"${X}": {**TOPIC, "Properties": {"DisplayName": {"Fn::FindInMap": ["Names", {"Ref": "X"}, "Long"]}}}}
    found = made({"Fn::ForEach::Topics": ["X", ["A"], body]}, Mappings={"Names": {"A": {"Long": "Alpha"}}})
    assert found["A"]["Properties"] == {"DisplayName": "Alpha"}


def test_an_ampersand_leaves_only_letters_and_digits() -> None:
    assert list(made({"Fn::ForEach::Topics": ["X", ["a.b-c"], {"Topic&{X}": TOPIC}]})) == ["Topicabc"]


def test_other_substitutions_stay() -> None:
    body = {"${X}": {**TOPIC, "Properties": {"DisplayName": {"Fn::Sub": "${AWS::StackName}-${X}"}}}}
    assert made({"Fn::ForEach::Topics": ["X", ["A"], body]})["A"]["Properties"] == {
        "DisplayName": {"Fn::Sub": "${AWS::StackName}-A"}
    }


def test_the_other_transform_stays() -> None:
    both = ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]
    assert expand({"Transform": both, "Resources": {}})["Transform"] == "AWS::Serverless-2016-10-31"


def test_a_template_without_the_transform_stays_as_it_is() -> None:
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Fn::ForEach::X": []}}
    assert expand(template) == template


@pytest.mark.parametrize("loop", [["X", ["A"]], ["X", "A", {}], [1, ["A"], {}], {"X": 1}])
def test_a_loop_that_is_written_wrongly_is_named(loop: Any) -> None:
    with pytest.raises(LoopError, match="Fn::ForEach::Topics"):
        made({"Fn::ForEach::Topics": loop})


@pytest.mark.parametrize("key", ["Same", "${X}"])
def test_a_name_that_would_stand_twice_is_refused(key: str) -> None:
    with pytest.raises(LoopError, match="twice"):
        made({"A": TOPIC, "Fn::ForEach::Topics": ["X", ["A", "B"], {key: TOPIC}]})

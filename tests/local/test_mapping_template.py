"""Tests the mapping templates of API Gateway's integrations."""

import pytest

from local.mapping_template import Message, UnknownExpression, render

MESSAGE = Message({"connectionId": "L0SM9cOFvHcCIhw=", "requestTimeEpoch": "1796040147000"}, '{"a": "é+/"}')


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("plain", "plain"),
        ("at=$context.requestTimeEpoch&x", "at=1796040147000&x"),
        ('q-$context.connectionId.replace("=", "")&', "q-L0SM9cOFvHcCIhw&"),
        ("$context.unknown.", "."),
        ("$input.body", '{"a": "é+/"}'),
        ("$util.urlEncode($context.connectionId)", "L0SM9cOFvHcCIhw%3D"),
        ("$util.urlEncode($util.base64Encode($input.body))", "eyJhIjogIsOpKy8ifQ%3D%3D"),
    ],
)
def test_an_expression_is_rendered(template: str, rendered: str) -> None:
    assert render(template, MESSAGE) == rendered


@pytest.mark.parametrize(
    "template", ["$stageVariables.x", "$util.parseJson($input.body)", "$util.urlEncode($input.body"]
)
def test_what_is_not_known_is_refused(template: str) -> None:
    with pytest.raises(UnknownExpression):
        render(template, MESSAGE)

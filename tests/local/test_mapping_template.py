"""Tests the mapping templates of API Gateway's integrations."""

from urllib.parse import parse_qs

import pytest

from local.mapping_template import Message, Template, UnknownExpression

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
    assert Template(template).render(MESSAGE) == rendered


@pytest.mark.parametrize(
    "template", ["$stageVariables.x", "$util.parseJson($input.body)", "$util.urlEncode($input.body"]
)
def test_what_is_not_known_is_refused(template: str) -> None:
    with pytest.raises(UnknownExpression):
        Template(template)


@pytest.mark.parametrize(
    "template",
    [
        'Action=Send&Queue=x%2Fy+$context.connectionId.replace("=", "")&Body=A+$util.urlEncode($input.body)+b',
        # A value that is not url-encoded says more than one field, as it would on AWS.
        "Action=Send&Body=$input.body",
        "Action=&Body=$util.urlEncode($util.base64Encode($input.body))&",
    ],
)
@pytest.mark.parametrize("body", ['{"a": "é+/"}', "", "a&Action=Delete", "1+1=2%20", "plain-text_1.~"])
def test_a_form_has_the_fields_that_a_reader_of_the_rendered_text_finds(template: str, body: str) -> None:
    read, message = Template(template), Message(MESSAGE.context, body)
    found = {name: first for name, (first, *_) in parse_qs(read.render(message), keep_blank_values=True).items()}
    assert read.form(message) == found

"""Checks bodies against AWS's own description of Converse, as botocore has it."""

import base64
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

SHAPE: Any = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("ConverseRequest")


def assert_fits(body: dict[str, Any]) -> None:
    """Fails for a member that AWS does not know, a wrong type, a value out of bounds, or bytes that are not base64."""
    report = ParamValidator().validate(_as_parameters(body, SHAPE) | {"modelId": "m"}, SHAPE)
    assert not report.has_errors(), report.generate_report()


def _as_parameters(value: Any, shape: Any) -> Any:
    """Converts the body to the parameters of boto3, with bytes where JSON has base64."""
    if shape.type_name == "structure" and not shape.is_document_type:
        unknown = value.keys() - shape.members.keys()
        assert not unknown, f"{shape.name} has no {unknown}"
        return {name: _as_parameters(member, shape.members[name]) for name, member in value.items()}
    if shape.type_name == "list":
        return [_as_parameters(element, shape.member) for element in value]
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value

"""Tests that the console asks the functions that the template ties to the paths, and has rights to ask those alone."""

import re

import httpx
import orjson
import pytest

from gateway.console.visit import FAMILY_OF
from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import AwsError, Unanswered
from gateway.stores.aws.families import LambdaFamilies
from tests.template.families import routed
from tests.template.translated import load

pytestmark = pytest.mark.anyio


def test_each_path_is_asked_of_the_function_that_the_template_ties_it_to() -> None:
    for prefix, family in FAMILY_OF.items():
        if family == "operator":
            assert not any(route.family == family for route in routed())
            continue
        below = {
            route.family for route in routed() if f"{route.path}/".startswith(f"{prefix}/") and route.method == "ANY"
        }
        assert family in below, prefix
        assert not any(route.is_streamed for route in routed() if route.path == prefix), prefix


def test_the_template_leads_every_page_and_no_other_path_to_the_console() -> None:
    found = {(route.method, route.path) for route in routed() if route.family == "console"}
    assert found == {("ANY", path) for path in ("/console", "/console/{proxy+}", "/docs", "/docs/{proxy+}")}


def test_the_role_allows_to_ask_these_functions_and_nothing_else() -> None:
    resources = load()["Resources"]
    variables = resources["ConsoleFunction"]["Properties"]["Environment"]["Variables"]
    named = dict(re.findall(r"(\w+)=\$\{(\w+)FunctionAliaslive\}", variables["CONSOLE_FUNCTIONS"]["Fn::Sub"]))
    assert named.keys() == set(FAMILY_OF.values())
    assert {family: name.lower() for family, name in named.items()} == {family: family for family in named}
    (policy,) = resources["ConsoleRole"]["Properties"]["Policies"]
    (_, asking) = policy["PolicyDocument"]["Statement"]
    assert {one["Ref"] for one in asking["Resource"]} == {f"{name}Function.Alias" for name in named.values()}
    assert "ManagedPolicyArns" not in resources["ConsoleRole"]["Properties"]


class Aws:
    """The part of `AwsApi` that is used, with an answer or an error."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def call(self, service: str, operation: str, payload: object) -> object:
        self.asked.append(f"{service} {operation} {orjson.dumps(payload).decode()}")
        if isinstance(self.answer, AwsError):
            raise self.answer
        return self.answer


async def test_a_function_is_asked_once_by_its_arn() -> None:
    aws = Aws({"statusCode": 200, "body": "{}"})
    families = LambdaFamilies(aws, {"keys": "arn:aws:lambda:x:1:function:k:live"})  # type: ignore[arg-type]  # a fake
    assert (await families.ask("keys", {"path": "/v1/keys"}))["statusCode"] == 200
    path = httpx.URL("/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax%3A1%3Afunction%3Ak%3Alive/invocations")
    assert aws.asked == [f'lambda {path.raw_path.decode()} {{"path":"/v1/keys"}}']


@pytest.mark.parametrize("answer", [{"errorType": "Sandbox.Timedout"}, Unanswered("x", "y")])
async def test_a_function_that_does_not_answer_is_told_as_unavailable(answer: object) -> None:
    aws = Aws(answer)
    with pytest.raises(ServiceUnavailable):
        await LambdaFamilies(aws, {"keys": "arn"}).ask("keys", {})  # type: ignore[arg-type]  # a fake
    assert len(aws.asked) == 1

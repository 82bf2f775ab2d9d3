"""Tests of our signed requests against those of boto3's own client for the same model, moment and body."""

from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

from gateway.ports.upstream import Credential
from gateway.providers.chat import bedrock
from gateway.providers.outgoing import Outgoing
from tests.botocore_clock import stop_botocore

NOW_S = 1_795_244_400.75
MODELS = [
    "amazon.nova-lite-v1:0",
    "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-v1:0",
]
ENDPOINTS = [None, "http://127.0.0.1:8080/bedrock", "https://vpce-1.example.com:443", "http://[::1]:80/x"]


def signed_by_boto3(model: str, endpoint: str | None, token: str | None, *, stream: bool) -> Any:
    """Returns the request as boto3 would have sent it."""
    client: Any = boto3.client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    sent: list[Any] = []
    response: Any = AWSResponse

    def keep(request: Any, **_: Any) -> Any:
        sent.append(request)
        return response(request.url, 400, {}, _Empty())

    client.meta.events.register("before-send.bedrock-runtime", keep)
    call = client.converse_stream if stream else client.converse
    with pytest.raises(client.exceptions.ClientError):
        call(modelId=model, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    client.close()
    return sent[0]


class _Empty:
    """An empty body of a response."""

    def stream(self) -> Any:
        return iter([b"{}"])


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_botocore(monkeypatch, NOW_S)


@pytest.mark.parametrize("token", [None, "token/with+signs=="])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_goes_where_boto3s_goes_and_is_signed_as_it_is(
    model: str, endpoint: str | None, token: str | None, stream: bool
) -> None:
    theirs = signed_by_boto3(model, endpoint, token, stream=stream)
    extra = {"region": "eu-west-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret"}
    extra |= {"session_token": token} if token else {}
    credential = Credential("unused", endpoint, extra)
    sent = Outgoing(model, stream, theirs.body, credential, NOW_S)
    url = (endpoint or bedrock.base_url(credential)) + bedrock.path(sent)
    assert url == theirs.url

    ours = dict(bedrock.headers(url, sent))
    told = {name.lower(): value for name, value in theirs.headers.items()}
    told = {name: value.decode() if isinstance(value, bytes) else value for name, value in told.items()}
    assert ours["x-amz-date"] == told["x-amz-date"]
    assert ours.get("x-amz-security-token") == told.get("x-amz-security-token")
    assert _signature(ours) == _signed_again(theirs, ours, token)


def _signature(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("Signature=")[2]


def _signed_again(request: Any, ours: dict[str, str], token: str | None) -> str:
    """Returns botocore's signature over their request with the headers that we sign, which are fewer."""
    names = ours["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    kept = {name: ours[name] for name in names if name in ours}
    again: Any = AWSRequest("POST", request.url, headers=kept, data=request.body)
    again.context["timestamp"] = ours["x-amz-date"]
    signer: Any = botocore.auth.SigV4Auth(Credentials("AKIDEXAMPLE", "secret", token), "bedrock", "eu-west-1")
    return str(signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again))

"""Tests of the knowledge about a call's effect: DynamoDB Local's own errors, and every failure of an answer."""

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from gateway.stores.aws.client import (
    AwsApi,
    AwsError,
    ConditionFailed,
    Contended,
    Item,
    Throttled,
    TransactionCanceled,
    Unanswered,
    repeated,
)
from gateway.transport import Client
from tests.stores.conftest import REGION, StoppedClock, api, new_table
from tests.stores.servers import Endpoints
from tests.transport.scripted_server import Peer, serving

pytestmark = pytest.mark.anyio

STANDS = {"scope": {"S": "a"}, "amount": {"N": "7"}}
IF_NEW = {"ConditionExpression": "attribute_not_exists(#scope)", "ExpressionAttributeNames": {"#scope": "scope"}}
TELL = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@dataclass(frozen=True)
class Table:
    aws: AwsApi
    name: str

    def put(self, **more: Any) -> dict[str, Any]:
        return {"TableName": self.name, "Item": STANDS, **more}


@pytest.fixture(params=["dynamodb", "moto"])
async def table(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> Table:
    """Creates a table with one item."""
    endpoint = endpoints.of(request.param)
    made = Table(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "scope"))
    await made.aws.call("dynamodb", "PutItem", made.put())
    return made


async def test_an_answer_is_the_services_document(table: Table) -> None:
    key = {"TableName": table.name, "Key": {"scope": {"S": "a"}}}
    assert await table.aws.call("dynamodb", "GetItem", key) == {"Item": STANDS}


async def test_a_condition_that_failed_tells_what_stands(table: Table) -> None:
    with pytest.raises(ConditionFailed) as raised:
        await table.aws.call("dynamodb", "PutItem", table.put(**IF_NEW, **TELL))
    assert raised.value.item == STANDS


async def test_a_condition_that_failed_tells_nothing_it_was_not_asked(table: Table) -> None:
    with pytest.raises(ConditionFailed) as raised:
        await table.aws.call("dynamodb", "PutItem", table.put(**IF_NEW))
    assert raised.value.item is None


async def test_a_canceled_transaction_tells_which_part_failed_and_what_stands_there(table: Table) -> None:
    other = {"TableName": table.name, "Item": {"scope": {"S": "b"}}}
    parts = [{"Put": other}, {"Put": table.put(**IF_NEW, **TELL)}]
    with pytest.raises(TransactionCanceled) as raised:
        await table.aws.call("dynamodb", "TransactWriteItems", {"TransactItems": parts})
    assert raised.value.reasons == [("None", None), ("ConditionalCheckFailed", STANDS)]


async def test_any_other_refusal_bears_the_exceptions_short_name(table: Table) -> None:
    with pytest.raises(AwsError) as raised:
        await table.aws.call("dynamodb", "GetItem", {"TableName": "no-such", "Key": {"scope": {"S": "a"}}})
    assert (type(raised.value), raised.value.code) == (AwsError, "ResourceNotFoundException")


def answer(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(code: str, status: int = 400, *headers: str) -> bytes:
    body = orjson.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "because"})
    return answer(status, body, *headers)


CUT_SHORT = answer(200, b"{}").replace(b"length: 2", b"length: 9")


@dataclass
class Service:
    """A server that gives its answers in turn and closes after the last, or for an empty one.

    `asked` has the requests' heads.
    """

    answers: list[bytes]
    asked: list[bytes] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        said = b"anything"
        while said and self.answers:
            self.asked.append(await peer.request())
            said = self.answers.pop(0)
            await peer.send(said)

    async def call(self, client: Client, clock: StoppedClock, *, times: int = 1) -> Item:
        """Returns the last of `times` calls by one process."""
        async with serving(self) as server:
            aws = api(client, clock, "dynamodb", f"http://{server.origin.authority}")
            for _ in range(times - 1):
                await aws.call("dynamodb", "GetItem", {})
            return await aws.call("dynamodb", "GetItem", {})

    @property
    def signed_at(self) -> list[str]:
        return [found[1].decode() for head in self.asked if (found := re.search(rb"x-amz-date: (\w+)", head))]


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (refusal("ProvisionedThroughputExceededException"), Throttled, "ProvisionedThroughputExceededException"),
        (refusal("ThrottlingException"), Throttled, "ThrottlingException"),
        (refusal("RequestLimitExceeded"), Throttled, "RequestLimitExceeded"),
        (refusal("TransactionInProgressException"), Throttled, "TransactionInProgressException"),
        (refusal("TransactionConflictException"), Contended, "TransactionConflictException"),
        (refusal("InternalServerError", 500), Unanswered, "InternalServerError"),
        (refusal("ServiceUnavailable", 503), Unanswered, "ServiceUnavailable"),
        (refusal("ValidationException"), AwsError, "ValidationException"),
        (answer(400, b"{}"), AwsError, "Unknown"),
        (answer(200, b"<html>"), Unanswered, "UnreadableAnswer"),
        (answer(502, b"<html>"), Unanswered, "UnreadableAnswer"),
        (answer(200, b"{}", "x-amz-crc32: 1"), Unanswered, "ChecksumMismatch"),
        (CUT_SHORT, Unanswered, "Truncated"),
        (b"", Unanswered, "PeerClosed"),
        (b"nonsense\r\n\r\n", Unanswered, "BadResponse"),
    ],
)
async def test_an_error_says_what_is_known_of_the_calls_effect(
    client: Client, clock: StoppedClock, said: bytes, kind: type[AwsError], code: str
) -> None:
    with pytest.raises(kind) as raised:
        await Service([said]).call(client, clock)
    assert (type(raised.value), raised.value.code) == (kind, code)


async def test_a_service_that_cannot_be_reached_has_not_answered(client: Client, clock: StoppedClock) -> None:
    async with serving(Service([])) as gone:
        endpoint = f"http://{gone.origin.authority}"
    with pytest.raises(Unanswered):
        await api(client, clock, "dynamodb", endpoint).call("dynamodb", "GetItem", {})


async def test_a_checksum_that_fits_is_no_fault(client: Client, clock: StoppedClock) -> None:
    body = b'{"Count": 0}'
    assert await Service([answer(200, body, f"x-amz-crc32: {zlib.crc32(body)}")]).call(client, clock) == {"Count": 0}


async def test_an_empty_answer_is_an_empty_document(client: Client, clock: StoppedClock) -> None:
    assert await Service([answer(200, b"")]).call(client, clock) == {}


async def test_one_call_is_one_attempt(client: Client, clock: StoppedClock) -> None:
    service = Service([refusal("ThrottlingException"), answer(200, b"{}")])
    with pytest.raises(Throttled):
        await service.call(client, clock)
    assert len(service.asked) == 1


async def test_a_call_names_its_operation_its_service_and_its_region(client: Client, clock: StoppedClock) -> None:
    service = Service([answer(200, b"{}")])
    await service.call(client, clock)
    (head,) = service.asked
    assert b"x-amz-target: DynamoDB_20120810.GetItem\r\n" in head
    assert f"/{REGION}/dynamodb/aws4_request".encode() in head


def test_a_service_without_an_endpoint_of_its_own_is_the_regions() -> None:
    aws = api(Client(), StoppedClock(), "dynamodb", "http://127.0.0.1:1")
    assert aws.endpoint("sqs") == f"https://sqs.{REGION}.amazonaws.com"


def stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def skewed(at_s: float, code: str = "InvalidSignatureException") -> bytes:
    return refusal(code, 400, f"date: {format_datetime(datetime.fromtimestamp(at_s, UTC), usegmt=True)}")


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"])
async def test_a_clock_that_is_off_is_corrected_and_the_call_sent_again(
    client: Client, clock: StoppedClock, code: str
) -> None:
    service = Service([skewed(clock.at_s + 900, code), answer(200, b"{}")])
    await service.call(client, clock)
    assert service.signed_at == [stamp(clock.at_s), stamp(clock.at_s + 900)]


async def test_a_corrected_clock_stays_corrected(client: Client, clock: StoppedClock) -> None:
    service = Service([skewed(clock.at_s - 900), answer(200, b"{}"), answer(200, b"{}")])
    await service.call(client, clock, times=2)
    assert service.signed_at[1:] == [stamp(clock.at_s - 900)] * 2


async def test_a_bad_signature_at_the_right_time_is_a_refusal(client: Client, clock: StoppedClock) -> None:
    service = Service([skewed(clock.at_s + 5), answer(200, b"{}")])
    with pytest.raises(AwsError) as raised:
        await service.call(client, clock)
    assert (raised.value.code, len(service.asked)) == ("InvalidSignatureException", 1)


async def test_a_correction_that_did_not_help_is_a_refusal(client: Client, clock: StoppedClock) -> None:
    service = Service([skewed(clock.at_s + 900), skewed(clock.at_s + 900), answer(200, b"{}")])
    with pytest.raises(AwsError) as raised:
        await service.call(client, clock)
    assert (raised.value.code, len(service.asked)) == ("InvalidSignatureException", 2)


@dataclass
class Attempts:
    """A call that raises its errors in turn, then answers, and counts."""

    errors: list[AwsError]
    count: int = 0

    async def __call__(self) -> Item:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"done": self.count}


NOTHING_DONE = [Throttled("ThrottlingException", ""), Contended("TransactionConflictException", "")]
UNKNOWN = Unanswered("PeerClosed", "")


@pytest.mark.parametrize("error", NOTHING_DONE, ids=lambda error: error.code)
async def test_what_did_nothing_is_tried_again(error: AwsError) -> None:
    assert await repeated(Attempts([error, error]), tries=3, base_s=0) == {"done": 3}


async def test_tries_are_counted() -> None:
    attempts = Attempts([NOTHING_DONE[0]] * 5)
    with pytest.raises(Throttled):
        await repeated(attempts, tries=3, base_s=0)
    assert attempts.count == 3


async def test_what_may_have_happened_is_not_tried_again_unless_that_is_harmless() -> None:
    attempts = Attempts([UNKNOWN])
    with pytest.raises(Unanswered):
        await repeated(attempts, tries=3, base_s=0)
    assert attempts.count == 1


async def test_what_may_have_happened_is_tried_again_where_that_is_harmless() -> None:
    assert await repeated(Attempts([UNKNOWN]), tries=3, base_s=0, ambiguous=True) == {"done": 2}


@pytest.mark.parametrize("error", [ConditionFailed("", None), TransactionCanceled("", []), AwsError("Validation", "")])
async def test_a_refusal_is_not_tried_again(error: AwsError) -> None:
    attempts = Attempts([error])
    with pytest.raises(type(error)):
        await repeated(attempts, tries=3, base_s=0, ambiguous=True)
    assert attempts.count == 1


async def test_pauses_grow_up_to_their_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[float] = []

    async def no_pause(pause_s: float) -> None:
        assert pause_s == longest[-1]

    def take_the_longest(_least: float, most: float) -> float:
        longest.append(most)
        return most

    monkeypatch.setattr("gateway.stores.aws.client.asyncio.sleep", no_pause)
    monkeypatch.setattr("gateway.stores.aws.client.JITTER.uniform", take_the_longest)
    await repeated(Attempts([NOTHING_DONE[0]] * 5), tries=6, base_s=0.02, cap_s=0.3)
    assert longest == [0.04, 0.08, 0.16, 0.3, 0.3]

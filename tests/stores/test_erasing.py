"""Tests of the erasure on DynamoDB Local and moto's S3: what goes, what stays, and what a death leaves for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.jobs import Job, JobKind, Phase
from gateway.people.erasing import ROUNDS_AFTER_S, Erasing
from gateway.stores import erasing
from gateway.stores.aws.attributes import from_item, to_item
from gateway.stores.aws.client import AwsApi
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.erasing import (
    PREFIXES,
    TABLES,
    ErasedPrefix,
    ErasedTable,
    Kept,
    objects_of_job,
    objects_of_response,
)
from gateway.stores.jobs.items import job_item
from gateway.stores.s3.listed import S3Listed
from gateway.transport import Client
from tests.stores.conftest import CREDENTIALS, REGION, StoppedClock, api, boto, fresh, new_table
from tests.stores.servers import Endpoints
from tests.stores.test_jobs import NEW

pytestmark = pytest.mark.anyio
MINE, THEIRS = "acct_mine", "acct_mine2"
ENDED: Mapping[str, Any] = {"phase": Phase.ENDED}


class Died(Exception):
    """Stands for the end of the process."""


class Life:
    """The calls that a process makes until it dies; from then on it makes none."""

    def __init__(self) -> None:
        self.calls_left = 10**9

    def spend(self) -> None:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise Died


async def buried() -> None:
    """Waits for what the dead process had under way: it may still be done, and nothing follows it."""
    under_way = [task for task in asyncio.all_tasks() if "Erased" in str(task) or "Mortal" in str(task)]
    await asyncio.gather(*under_way, return_exceptions=True)


class MortalApi(AwsApi):
    life: Life

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Any:
        self.life.spend()
        return await super().call(service, operation, payload)


class MortalObjects(S3Listed):
    life: Life

    async def delete(self, name: str) -> None:
        self.life.spend()
        await super().delete(name)


def job(number: int, account_id: str, **more: Any) -> Job:
    return replace(NEW, job_id=f"{account_id}-{number}", account_id=account_id, **more)


class Place:
    """Stores that two accounts have filled, and the erasure over them."""

    def __init__(self, endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
        dynamodb = endpoints.of("dynamodb_local")
        self.dynamodb, self.s3 = boto("dynamodb", dynamodb), boto("s3", endpoints.moto)
        self.clock, self.life = clock, Life()
        self.tables = {kept.setting: self._table(dynamodb, kept) for kept in TABLES}
        self.buckets = {name: fresh(name) for name in ("contents", "media")}
        for bucket in self.buckets.values():
            self.s3.create_bucket(Bucket=bucket)
        aws = api(client, clock, "dynamodb", dynamodb)
        aws.__class__, vars(aws)["life"] = MortalApi, self.life
        contents, media = (
            S3Listed(client, clock, StaticCredentials(CREDENTIALS), region=REGION, bucket=name, endpoint=endpoints.moto)
            for name in self.buckets.values()
        )
        for objects in (contents, media):
            objects.__class__, vars(objects)["life"] = MortalObjects, self.life
        tables = [ErasedTable(aws, self.tables[kept.setting], kept, contents) for kept in TABLES]
        self.erasing = Erasing((*tables, *(ErasedPrefix(media, prefix) for prefix in PREFIXES)), clock)
        self.fill(MINE)

    def _table(self, dynamodb: str, kept: Kept) -> str:
        if not kept.index:
            return new_table(dynamodb, *kept.key)
        name = fresh("table")
        ids = ("job_id", "account_id")
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ids],
            KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": kept.index,
                    "KeySchema": [
                        {"AttributeName": "account_id", "KeyType": "HASH"},
                        {"AttributeName": "job_id", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        return name

    def fill(self, account_id: str) -> None:
        for kept in TABLES:
            for number in range(0 if kept.index else 3):
                item = {"account_id": account_id, kept.key[-1]: f"{number}", "sealed": "secret"}
                if kept.setting == "responses_table":
                    item["object_name"] = self._object("contents", f"responses/{account_id}/{number}")
                self.dynamodb.put_item(TableName=self.tables[kept.setting], Item=to_item(item))
        self.talk("conv_1", account_id)
        run = self._object("contents", f"responses/{account_id}/run")
        journal = self._object("contents", f"responses/{account_id}/run/1")
        body = self._object("contents", f"responses/{account_id}/body")
        for one in (
            job(0, account_id, **ENDED),
            job(1, account_id, kind=JobKind.AGENT, order={"request": run}, metadata={"journal": journal}, **ENDED),
            job(2, account_id, kind=JobKind.RESPONSE, order={"body": body}, **ENDED),
            job(3, account_id, order={"request": f"media/{account_id}/job/request"}, **ENDED),
        ):
            self.put(one)
        for prefix in PREFIXES:
            for number in range(3):
                self._object("media", f"{prefix}{account_id}/a b&{number}")

    def talk(self, conversation_id: str, account_id: str = MINE, version: int = 3) -> None:
        """Has a conversation at a version, with the next one made and not yet noted."""
        objects = f"conversations/{account_id}/{conversation_id}"
        for number in (version, version + 1):
            self._object("contents", f"{objects}/{number}")
        record = {"account_id": account_id, "response_id": conversation_id, "objects": objects, "version": version}
        self.dynamodb.put_item(TableName=self.tables["responses_table"], Item=to_item({**record, "revision": version}))

    def put(self, one: Job) -> None:
        self.dynamodb.put_item(TableName=self.tables["jobs_table"], Item=job_item(one))

    def _object(self, bucket: str, name: str) -> str:
        self.s3.put_object(Bucket=self.buckets[bucket], Key=name, Body=b"content")
        return name

    def items(self, account_id: str = MINE) -> list[tuple[str, dict[str, Any]]]:
        found = [
            (setting, from_item(item))
            for setting, table in self.tables.items()
            for item in self.dynamodb.scan(TableName=table)["Items"]
        ]
        return [(setting, item) for setting, item in found if item["account_id"] == account_id]

    def objects(self, account_id: str = MINE) -> list[str]:
        pages = [self.s3.list_objects_v2(Bucket=bucket).get("Contents", ()) for bucket in self.buckets.values()]
        return [one["Key"] for page in pages for one in page if f"/{account_id}/" in one["Key"]]

    def named(self) -> set[str]:
        """Returns the objects that an item names, from which an erasure finds them."""
        found: set[str] = set()
        for setting, item in self.items():
            found.update(objects_of_response(item) if setting == "responses_table" else ())
            found.update((objects_of_job(item) or ()) if setting == "jobs_table" else ())
        return found

    async def run(self, number: int = 0) -> dict[str, Any]:
        return await self.erasing.run({"account_id": MINE, "round": number}, self.clock.now_s() + 300)


@pytest.fixture
def place(endpoints: Endpoints, client: Client, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Place:
    # So that three items are two pages.
    monkeypatch.setattr(erasing, "AT_ONCE", 2)
    return Place(endpoints, client, clock)


async def test_all_that_an_account_has_left_is_erased_and_nothing_of_another(place: Place) -> None:
    place.fill(THEIRS)
    before = (place.items(THEIRS), place.objects(THEIRS))
    assert (len(place.items()), len(place.objects())) == (len(before[0]), len(before[1]))
    answer = await place.run()
    assert answer == {"account_id": MINE, "round": 1, "next": "wait", "wait_s": ROUNDS_AFTER_S[0]}
    assert (place.items(), place.objects()) == ([], [])
    assert (place.items(THEIRS), place.objects(THEIRS)) == before


async def test_an_erasure_that_dies_after_every_few_calls_completes_and_leaves_no_object_without_its_item(
    place: Place,
) -> None:
    deaths = 0
    while True:
        # An erasure that finds nothing takes twelve.
        place.life.calls_left = 16
        try:
            await place.run()
        except Died:
            deaths += 1
            await buried()
            assert {name for name in place.objects() if name.startswith(("conv", "resp"))} <= place.named()
            assert deaths < 50
            continue
        break
    assert deaths > 5
    assert (place.items(), place.objects()) == ([], [])


async def test_later_rounds_find_a_job_that_had_not_ended_and_what_was_written_meanwhile(place: Place) -> None:
    open_job = job(9, MINE, phase=Phase.SETTLE)
    place.put(open_job)
    assert (await place.run())["round"] == 1
    assert [item["job_id"] for _, item in place.items()] == [open_job.job_id]
    assert (await place.run(1))["wait_s"] == ROUNDS_AFTER_S[1]
    place.put(replace(open_job, phase=Phase.ENDED))
    place.fill(MINE)
    assert (await place.run(len(ROUNDS_AFTER_S)))["next"] == "over"
    assert (place.items(), place.objects()) == ([], [])


async def test_a_conversation_that_is_written_while_it_is_erased_goes_in_a_later_round(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, written = S3Listed.delete, list[str]()

    async def write_first(objects: S3Listed, name: str) -> None:
        if name.startswith("conversations/") and not written:
            written.append(name)
            place.talk("conv_1", version=4)
        await delete(objects, name)

    monkeypatch.setattr(MortalObjects, "delete", write_first)
    await place.run()
    assert [item["response_id"] for _, item in place.items()] == ["conv_1"]
    await place.run(1)
    assert (place.items(), place.objects()) == ([], [])

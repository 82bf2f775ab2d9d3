"""Kills real processes at random moments while they serve on DynamoDB Local, and checks the books when all are dead.

What was charged has to be what living processes told their clients, and at most the price of what others were asked.

python -m tests.faults.killed 300 [SEED]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sys
import tempfile
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import boto3
import orjson

from gateway.canonical.money import AccountSnapshot
from gateway.stores.aws.deferred_settlements import settle_batch
from gateway.stores.money.sweep import sweep
from gateway.transport import Client
from tests.faults.judge import charged
from tests.faults.worker import ACCOUNT, KEY, Place, served, swept
from tests.hangs import HANGS_AFTER_S
from tests.money.invariants import check
from tests.money.stores import WallClock, create_tables
from tests.stores.servers import serving

WORKERS, SWEEPERS = 2, 1
# A process is killed a moment after it has begun so many requests or sweeps.
LIVES, MOMENTS_S = (4, 8, 16, 24), (0.0, 0.002, 0.01, 0.03, 0.1)
CREDIT_NANOUSD = 5_000_000_000
FAR_S = 100_000.0
BOTO = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def place_on(endpoint: str, folder: Path, prefix: str) -> Place:
    """Creates tables of their own, whose names begin with the prefix."""
    create_tables(BOTO.client("dynamodb", endpoint_url=endpoint), prefix)
    return Place(endpoint, f"{prefix}accounts", f"{prefix}ledger", str(folder))


def killed(place: Place, deaths: int, seed: int) -> str:
    """Runs processes until so many were killed; returns what happened, raises for a broken invariant."""
    return asyncio.run(_killed(place, deaths, random.Random(seed)))


async def _killed(place: Place, deaths: int, chance: random.Random) -> str:
    client = Client()
    money = place.money(client)
    await money.open_account(ACCOUNT, 1_000_000)
    look = await money.read_account(ACCOUNT)
    for number in range(-(-deaths // (WORKERS + SWEEPERS))):
        await money.credit(ACCOUNT, CREDIT_NANOUSD, once=str(number), now_s=WallClock().now_s())
        if number % 3 == 1:
            await money.track_spend(ACCOUNT, KEY, WallClock().now_s())
        await _round(place, number, chance)
        seen = await money.read_account(ACCOUNT)
        assert seen is not None
        check(seen, look.entries if look else ())
        look = seen
    records = [{"messageId": "m", "body": line.decode()} for line in place.notes("queue")]
    for order in (records, records[::-1]):
        assert await settle_batch(money, WallClock(), {"Records": order}) == {"batchItemFailures": []}
    for _ in range(2):
        await sweep(money, WallClock().now_s() + FAR_S)
    seen = await money.read_account(ACCOUNT)
    assert seen is not None
    check(seen, look.entries if look else ())
    said = _judged(place, seen)
    await client.close()
    return said


async def _round(place: Place, number: int, chance: random.Random) -> None:
    """Starts processes, and kills each at a moment of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.worker"])
    mains = [*([served] * WORKERS), *([swept] * SWEEPERS)]
    first = number * len(mains)
    processes: list[tuple[int, BaseProcess]] = []
    for place_of_it, target in enumerate(mains):
        process = context.Process(target=target, args=(place, first + place_of_it, chance.randrange(2**32)))
        process.start()
        processes.append((first + place_of_it, process))
    await asyncio.gather(*(_kill(place, number, process, random.Random(number)) for number, process in processes))


async def _kill(place: Place, number: int, process: BaseProcess, chance: random.Random) -> None:
    life = chance.choice(LIVES)
    async with asyncio.timeout(HANGS_AFTER_S):
        while place.steps(number) < life:
            # One that ends by itself has met an error that its pipeline should have told a client.
            assert process.exitcode is None, (number, process.exitcode)
            await asyncio.sleep(0.002)
    await asyncio.sleep(chance.choice(MOMENTS_S))
    process.kill()
    await asyncio.to_thread(process.join, HANGS_AFTER_S)


def _judged(place: Place, look: AccountSnapshot) -> str:
    """Raises unless each request was charged what its client was told; says how many there were."""
    assert (look.holds, look.held_nanousd) == ((), 0), look.holds
    assert not any(look.leases.values()), look.leases
    told = {hold_id: rest for hold_id, *rest in map(orjson.loads, place.notes("told"))}
    asked = [orjson.loads(line) for line in place.notes("asked")]
    unknown = {entry.hold_id for entry in look.entries if entry.hold_id} - {each["hold_id"] for each in asked}
    assert not unknown, unknown
    cut_off = 0
    for each in asked:
        paid = charged(look, each["hold_id"])
        if each["hold_id"] in told:
            cost, least, most = told[each["hold_id"]]
            assert (paid, least <= paid <= most) == (cost, True), (each, paid, told[each["hold_id"]])
        else:
            cut_off += paid > 0
            assert 0 <= paid <= each["most"], (each, paid)
    late = sum(entry.late for entry in look.entries)
    return f"{len(told)} requests were told their cost, {len(asked) - len(told)} died, {cut_off} of them charged for a \
part; {late} ends were late, {len(place.notes('queue'))} were deferred"


def main(deaths: int, seed: int) -> int:
    """Runs the campaign on a DynamoDB Local of its own; returns 1 if there is no Java for it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as servers:
        if servers.dynamodb is None:
            sys.stderr.write("DynamoDB Local needs a Java, and there is none.\n")
            return 1
        begun_s = time.monotonic()
        said = killed(place_on(servers.dynamodb, Path(folder), f"seed{seed}-"), deaths, seed)
        sys.stdout.write(f"{deaths} processes killed in {time.monotonic() - begun_s:.0f} s: {said}\n")
    return 0


if __name__ == "__main__":
    numbers = [*map(int, sys.argv[1:]), 1]
    sys.exit(main(*numbers[:2]))

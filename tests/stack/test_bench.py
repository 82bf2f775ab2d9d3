"""Tests of the bench: every figure is present and correct, and a failing function is never measured."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bench import __main__ as command
from bench import bed, cold, comparison, layer_size, peers, provider_answers, quota, report, short, warm
from bench.asks import ASKS, CHAT, Ask
from bench.counts import Work, counted
from bench.environment import Unanswered, bare_interpreter, started
from bench.figures import Figure, as_table
from bench.process import cpu_ns, line_from, resident_bytes, spawned
from bench.rounds import QUICK, Counts
from tests.template.families import streamed

SMOKE = replace(
    QUICK,
    starts=1,
    processes=1,
    rounds=1,
    requests=3,
    streams=3,
    paced_chunks=5,
    flat_chunks=200,
    resident_requests=4,
    resident_mb=2,
)
STREAMED = len(streamed())
PARTS = {
    "AWS calls of one request": 7,
    comparison.ADDED: len(ASKS) + 1,
    comparison.PACED: len(ASKS) + 1,
    comparison.FLAT: len(ASKS),
    comparison.FIXED: len(ASKS),
    comparison.REQUEST: len(ASKS) + 2,
    cold.PART: STREAMED + 4,
    cold.OTHERS: len(list((bed.ROOT / "functions").glob("*/app.py"))) - STREAMED,
    "Memory in RAM, chat": 5,
}
# What the machine may not have: a layer that was built, a CPU quota, other gateways.
OPTIONAL = {"Layer", cold.QUOTA, comparison.QUOTA, comparison.PEERS}
Run = tuple[list[Figure], warm.Results]


@pytest.fixture(scope="module")
def run() -> Run:
    with pytest.MonkeyPatch.context() as patching:
        # One of them takes half a minute to start.
        patching.setattr(peers, "HOME", Path("/nonexistent"))
        patching.setattr(peers, "PYTHON", Path("/nonexistent/python"))
        patching.setattr(peers, "PORTKEY", Path("/nonexistent/portkey"))
        return asyncio.run(command.measure(SMOKE))


@pytest.fixture(scope="module")
def figures(run: Run) -> list[Figure]:
    return run[0]


def value(figures: Sequence[Figure], part: str, name: str) -> float:
    (found,) = (figure.median for figure in figures if (figure.part, figure.name) == (part, name))
    return found


def test_every_figure_is_measured(figures: list[Figure]) -> None:
    parts = [figure.part for figure in figures]
    assert {part: parts.count(part) for part in set(parts) - OPTIONAL} == PARTS


def test_ours_on_every_wire_and_the_relays_have_a_row_of_the_comparison(run: Run) -> None:
    rows = [line[:27].strip() for line in comparison.table(run[1]).splitlines()[1:]]
    assert rows == [*(ask.name for ask in ASKS), warm.NOOP, warm.RELAY, peers.ASYNCIO]


def test_every_figure_has_a_line_of_the_table(figures: list[Figure]) -> None:
    lines = as_table(figures).splitlines()
    assert len([line for line in lines if line.startswith("  ")]) == len(figures)


def test_a_warm_request_calls_aws_once_before_the_provider_and_twice_in_all(figures: list[Figure]) -> None:
    names = ("warm, before the provider's request", "warm, in all", "cold key, in all", "first of a process, in all")
    # The first of a process also reads the providers' health and the operator's document, beside its admission.
    assert [value(figures, "AWS calls of one request", name) for name in names] == [1, 2, 3, 6]


def test_the_table_and_the_json_are_made_of_one_run_and_say_what_was_left_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measured(counts: Counts, _layer: Path | None) -> Run:
        assert counts == QUICK
        return run

    @contextmanager
    def none() -> Iterator[None]:
        yield None

    monkeypatch.setattr(command, "measure", measured)
    monkeypatch.setattr(quota, "limited", none)
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    assert command.main(["--quick"]) == 0
    told, written = capsys.readouterr().out, orjson.loads((tmp_path / "full.json").read_bytes())
    assert {figure["part"] for figure in written["figures"]} >= set(PARTS)
    assert set(written["beside"]) == set(run[1])
    assert quota.ABSENT in told.splitlines()
    assert f"Not installed (make bench-peers): {', '.join(peers.INSTALLED)}." in told.splitlines()
    assert quota.ABSENT in written["notes"]


def test_an_app_that_does_nothing_costs_less_than_the_chat_function(figures: list[Figure]) -> None:
    chat, noop = (value(figures, comparison.REQUEST, name) for name in (CHAT.name, warm.NOOP))
    assert 0 < noop < chat


def test_the_bars_are_those_of_the_issue(figures: list[Figure]) -> None:
    bars = {figure.part: figure.bar for figure in figures if figure.bar is not None}
    assert {part: bars[part] for part in sorted(bars.keys() - OPTIONAL - {"AWS calls of one request"})} == {
        comparison.ADDED: 0.6,
        comparison.FLAT: 8,
        comparison.PACED: 2.0,
        comparison.FIXED: 1.0,
        comparison.REQUEST: 0.8,
        cold.OTHERS: 250,
        cold.PART: 110,
        "Memory in RAM, chat": 1.0,
    }


def test_another_gateway_is_judged_by_how_many_times_ours_it_takes() -> None:
    ours, other = warm.Measured(request_ms=[1.0], paced_us=[10.0]), warm.Measured(request_ms=[19.0], paced_us=[60.0])
    results = {ask.name: ours for ask in ASKS} | {warm.RELAY: ours, warm.NOOP: ours, peers.LITELLM_NAME: other}
    judged = [figure for figure in comparison.figures(results) if figure.part == comparison.PEERS]
    assert [(figure.median, figure.bar, figure.verdict) for figure in judged] == [(19, 20, "missed"), (6, 6, "met")]


def test_a_folder_that_is_no_control_group_is_no_quota(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    with quota.limited(tmp_path) as procs:
        assert procs is None
    assert list((tmp_path / "cpu").iterdir()) == []


def test_a_process_under_the_quota_gets_no_more_of_a_core(tmp_path: Path) -> None:
    async def main() -> float:
        async with bed.open_bed(None, tmp_path) as laid:
            spinning = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
            with quota.limited() as procs:
                if procs is None:
                    pytest.skip(quota.ABSENT)
                kind = quota.within(replace(laid.noop, command=spinning), procs)
                async with spawned(
                    kind.command, env={}, cwd=kind.cwd, log=kind.log, cores=kind.cores, pipes=True
                ) as process:
                    await line_from(process)
                    before_ns, began_s = cpu_ns(process.pid), time.monotonic()
                    await asyncio.sleep(1)
                    return (cpu_ns(process.pid) - before_ns) / 1e9 / (time.monotonic() - began_s)

    assert asyncio.run(main()) < 1.5 * quota.CORES


def test_a_family_that_cannot_be_imported_is_no_measurement(tmp_path: Path) -> None:
    async def main() -> float:
        async with bed.open_bed(None, tmp_path) as laid:
            return await cold.imported_cpu_ms(laid, tmp_path)

    with pytest.raises(Unanswered, match="could not be imported"):
        asyncio.run(main())


def test_the_relay_passes_on_what_the_provider_sends(tmp_path: Path) -> None:
    async def main() -> tuple[int, int]:
        async with bed.open_bed(None, tmp_path) as laid, started(laid.relay) as relay:
            few, many = await relay.ask(laid.stream(1)), await relay.ask(laid.stream(101))
            return few.body_bytes, many.body_bytes

    few_bytes, many_bytes = asyncio.run(main())
    event_bytes = len(provider_answers.chunk(5).split(b"\r\n")[1])
    assert many_bytes - few_bytes == 100 * event_bytes


def test_the_chat_function_is_given_whole_streams_by_the_bed(tmp_path: Path) -> None:
    async def main() -> int:
        async with bed.open_bed(None, tmp_path) as laid, started(laid.chat) as chat:
            return (await chat.ask(laid.stream(50, chunk_bytes=1_000))).body_bytes

    assert asyncio.run(main()) > 50 * 1_000


def test_every_ask_is_answered_whole_and_streamed(tmp_path: Path) -> None:
    async def main() -> dict[str, tuple[int, int]]:
        read: dict[str, tuple[int, int]] = {}
        async with bed.open_bed(None, tmp_path) as laid:
            for ask in ASKS:
                async with started(laid.families[ask.family]) as function:
                    whole = await function.ask(laid.request(ask))
                    stream = await function.ask(laid.stream(20, chunk_bytes=1_000, ask=ask))
                    read[ask.name] = (whole.body_bytes, stream.body_bytes)
        return read

    read = asyncio.run(main())
    assert {name for name, (whole, stream) in read.items() if whole < 600 or stream < 20_000} == set()


def test_work_is_counted_and_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    async def main() -> list[Work]:
        async with bed.open_bed(None, tmp_path) as laid, counted(laid.noop, tmp_path) as noop:
            return [await noop.ask(laid.request()) for _ in range(7)][1:]

    works = asyncio.run(main())
    least = min(works)
    assert works.count(least) > 1
    assert (least.sends, least.receives) == (2, 2)
    assert least.instructions > 10 * least.calls > 100 * least.waits > 0


def test_the_baseline_names_every_ratio_and_one_beyond_its_bound_fails() -> None:
    baseline = orjson.loads(short.BASELINE.read_bytes())["ratios"]
    assert [verdict.name for verdict in short.judged(baseline, baseline) if verdict.failed] == []
    grown = {name: 1.06 * ratio for name, ratio in baseline.items()}
    passing = {verdict.name for verdict in short.judged(grown, baseline) if not verdict.failed}
    assert passing == {short.CPU, *(name for name in baseline if name.endswith(short.READ))}
    assert all(
        verdict.failed for verdict in short.judged({name: 2.01 * ratio for name, ratio in baseline.items()}, baseline)
    )


def test_one_wait_or_one_send_more_fails() -> None:
    baseline = orjson.loads(short.BASELINE.read_bytes())["ratios"]
    counted = [name for name in baseline if name.endswith(short.WAITS) or short.SENDS in name]
    assert len(counted) == 3 * len(ASKS)
    assert all(verdict.failed for verdict in short.judged({name: baseline[name] + 1 for name in counted}, baseline))


def test_a_ratio_that_the_baseline_does_not_name_fails() -> None:
    assert [verdict.failed for verdict in short.judged({"new": 1.0}, {})] == [True]


def test_a_refused_request_is_no_measurement(tmp_path: Path) -> None:
    async def main() -> None:
        async with bed.open_bed(None, tmp_path) as laid, started(laid.chat) as chat:
            await chat.ask(laid.request(Ask("", "chat", "no-such-model")))

    with pytest.raises(Unanswered, match="status 404"):
        asyncio.run(main())


def test_a_function_that_cannot_start_is_no_measurement(tmp_path: Path) -> None:
    async def main() -> None:
        async with bed.open_bed(None, tmp_path) as laid, started(replace(laid.noop, command=["false"])):
            raise AssertionError

    with pytest.raises(Unanswered, match="ended with status 1"):
        asyncio.run(main())


def test_the_work_of_another_process_is_not_counted(tmp_path: Path) -> None:
    async def main() -> tuple[int, int]:
        async with bed.open_bed(None, tmp_path) as laid, bare_interpreter(laid.noop) as process:
            theirs_ns, ours_ns = cpu_ns(process.pid), cpu_ns(os.getpid())
            sum(range(3_000_000))
            return cpu_ns(process.pid) - theirs_ns, cpu_ns(os.getpid()) - ours_ns

    theirs_ns, ours_ns = asyncio.run(main())
    assert 0 <= theirs_ns < ours_ns / 10


def test_what_is_measured_has_a_core_of_its_own_where_there_are_two(tmp_path: Path) -> None:
    async def main() -> tuple[set[int], set[int]]:
        async with bed.open_bed(None, tmp_path) as laid, bare_interpreter(laid.noop) as process:
            return os.sched_getaffinity(process.pid), os.sched_getaffinity(0)

    before = os.sched_getaffinity(0)
    measured, ours = asyncio.run(main())
    assert (len(measured), os.sched_getaffinity(0)) == (1, before)
    assert len(before) == 1 or not measured & ours


def test_own_cpu_and_memory_are_as_the_interpreter_counts_them() -> None:
    before_ns, clock_before_ns = cpu_ns(os.getpid()), time.process_time_ns()
    sum(range(3_000_000))
    used_ns, clock_ns = cpu_ns(os.getpid()) - before_ns, time.process_time_ns() - clock_before_ns
    assert used_ns == pytest.approx(clock_ns, rel=0.2)
    assert 10_000_000 < resident_bytes(os.getpid()) < 10_000_000_000


def test_the_work_of_a_thread_that_has_ended_stays_counted() -> None:
    before_ns = cpu_ns(os.getpid())
    busy = threading.Thread(target=lambda: sum(range(3_000_000)))
    busy.start()
    while_it_ran_ns = 0
    while busy.is_alive():
        while_it_ran_ns = cpu_ns(os.getpid()) - before_ns
    assert cpu_ns(os.getpid()) - before_ns >= while_it_ran_ns > 0


@pytest.mark.parametrize(
    ("values", "verdict"), [([1.3], "aim"), ([2.0], "met"), ([2.1], "missed"), ([9.0, 2.1, 1.8], "missed")]
)
def test_the_median_is_judged_by_bar_and_aim(values: list[float], verdict: str) -> None:
    assert Figure("part", "name", values, "x", bar=2.0, aim=1.3).verdict == verdict


def test_a_figure_without_a_bar_is_not_judged() -> None:
    assert Figure("part", "name", [3.0, 1.0], "us").verdict == ""


def test_the_layers_size_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "module.py").write_bytes(b"x" * 3_000_000)
    assert [figure.median for figure in layer_size.measure(tmp_path)] == [3.0]


def test_a_layer_that_was_not_built_has_no_size(tmp_path: Path) -> None:
    assert layer_size.measure(tmp_path / "absent") == []

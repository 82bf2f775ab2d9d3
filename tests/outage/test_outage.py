"""Tests of outages: one of three providers is in trouble, and the clients hardly see it."""

from __future__ import annotations

import pytest

from gateway.pipeline.attempts import SUSPECT_S
from gateway.pipeline.health import TROUBLED_FRESH_S
from gateway.pipeline.hedging import HedgeRules
from gateway.routing.health import COOLDOWN_MAX_S, FAILURES_MAX
from tests.outage.providers import Trouble, by_key, gaps
from tests.outage.simulation import PROCESSES, Result, Setting, simulated

KEYED = {Trouble.LIMITED, Trouble.REFUSED}


def check_books(result: Result) -> None:
    """Raises if a client got a wrong word, or if it was charged other than for what it got, or twice."""
    assert result.wrong == []
    assert result.told_nanousd == result.charged_nanousd
    assert result.charges == result.served + result.cut


@pytest.mark.drawn
@pytest.mark.parametrize("trouble", sorted(Trouble))
def test_a_provider_in_trouble_is_hardly_seen_and_costs_no_client_twice(trouble: Trouble) -> None:
    result = simulated(Setting(trouble, keys=2 if trouble in KEYED else 1))
    check_books(result)
    # What was delivered before a cut stays cut; the breaker leaves it at a few.
    served, cut = result.served, result.cut
    assert cut <= (20 if trouble is Trouble.CUT_AFTER else 0)
    assert served + cut == 500


def test_a_provider_that_falls_silent_is_overtaken_by_hedging_and_then_left_alone() -> None:
    # So short a time has billed little: the budget is a share of it.
    rules = HedgeRules(frozenset({"*"}), share=1.0)
    result = simulated(Setting(Trouble.SLOW, share_from=0.5, share_until=0.8, hedging=rules))
    check_books(result)
    served, slowest_s = result.served, max(result.latencies_s)
    assert served == 500
    assert slowest_s < 3
    silent = by_key(result.providers["openai"], 50.0, 80.0).total()
    # Those under way when it fell silent, two that lose in each process, and the probes.
    assert silent <= PROCESSES * (FAILURES_MAX + 4) + 6


def test_a_provider_that_falls_silent_holds_its_requests_for_seconds_and_the_later_ones_not_at_all() -> None:
    setting = Setting(Trouble.SLOW, requests=1_000)
    result = simulated(setting)
    check_books(result)
    assert result.served == 1_000
    assert max(result.latencies_s) < SUSPECT_S + 2
    found_s = setting.from_s + SUSPECT_S + TROUBLED_FRESH_S
    later = [
        took_s
        for at_s, took_s in zip(result.begun_s, result.latencies_s, strict=True)
        if found_s <= at_s < setting.until_s
    ]
    probes = [took_s for took_s in later if took_s > 2]
    assert len(later) > 300
    assert 0 < len(probes) <= (setting.until_s - found_s) / COOLDOWN_MAX_S + PROCESSES
    silent = result.providers["openai"]
    back = [at_s for at_s, _ in silent.asked if at_s >= setting.until_s]
    assert back[0] - setting.until_s < 30
    all_back_s = back[0] + TROUBLED_FRESH_S + COOLDOWN_MAX_S
    last_s = 1_000 / 5.0
    assert by_key(silent, all_back_s, last_s).total() >= (last_s - all_back_s) * 5.0 * 0.99


def test_hedging_costs_nothing_where_all_is_well() -> None:
    hedged = simulated(Setting(Trouble.NONE, hedging=HedgeRules(frozenset({"*"}))))
    check_books(hedged)
    assert not hedged.providers["groq"].asked


def test_without_failover_the_same_outage_is_seen() -> None:
    result = simulated(Setting(Trouble.DOWN, fallbacks=False))
    check_books(result)
    assert result.share < 0.6


def test_a_dead_provider_costs_one_probe_for_each_cooldown_and_is_used_within_thirty_seconds_of_its_recovery() -> None:
    setting = Setting(Trouble.DOWN, requests=2_000)
    result = simulated(setting)
    check_books(result)
    assert result.served == 2_000
    dead = result.providers["openai"]
    probes = by_key(dead, setting.from_s, setting.until_s).total() - PROCESSES * FAILURES_MAX
    assert probes <= (setting.until_s - setting.from_s) / COOLDOWN_MAX_S + 3
    # In its steady state the probes of all processes keep the longest cooldown apart.
    assert min(gaps(dead, setting.from_s + 40, setting.until_s)) >= COOLDOWN_MAX_S - 0.001
    back = [at_s for at_s, _ in dead.asked if at_s >= setting.until_s]
    assert back[0] - setting.until_s < 30
    # All processes use it again: their share of the requests is all of them.
    all_back_s = back[0] + TROUBLED_FRESH_S + COOLDOWN_MAX_S
    last_s = 2_000 / 5.0
    assert by_key(dead, all_back_s, last_s).total() >= (last_s - all_back_s) * 5.0 * 0.99


@pytest.mark.parametrize("trouble", sorted(KEYED))
def test_a_key_in_trouble_is_left_alone_and_the_provider_goes_on_by_the_other(trouble: Trouble) -> None:
    setting = Setting(trouble, keys=2)
    result = simulated(setting)
    check_books(result)
    assert result.served == 500
    counted = by_key(result.providers["openai"], setting.from_s, setting.until_s)
    assert counted["openai-b"] >= (setting.until_s - setting.from_s) * 5.0 * 0.99
    assert counted["openai-a"] <= PROCESSES * FAILURES_MAX + 8
    assert not result.providers["groq"].asked

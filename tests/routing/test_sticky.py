"""Tests of conversations that stay at the target that holds their prompt: who they are, for how long, at what price."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.protocols import openai_chat
from gateway.routing.order import Expected
from gateway.routing.sticky import CONVERSATIONS_MAX, KEPT_S, Stay, Stays, cheaper_stay, conversation_of, share_of
from tests.routing.catalogs import catalog_of, model, planned, target

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "Who wrote Emma?"}
MORE = [{"role": "assistant", "content": "Austen."}, {"role": "user", "content": "And Persuasion?"}]
LONG = Expected(10_000, 500)


def named(*messages: dict[str, Any], account: str = "acct_1", **more: Any) -> str:
    body = {"model": "gpt-4o", "messages": list(messages), **more}
    return conversation_of(account, openai_chat.CLIENT.decode_request(orjson.dumps(body)))


def test_a_conversation_is_known_by_its_first_turns_and_account() -> None:
    first = named(SYSTEM, FIRST)
    assert first == named(SYSTEM, FIRST, *MORE) == named(SYSTEM, FIRST, *MORE, temperature=0.5)
    others = [named(FIRST), named(SYSTEM, MORE[1]), named(SYSTEM, FIRST, account="acct_2")]
    assert len({first, *others}) == 4


def test_a_caller_s_own_key_of_its_cache_goes_before_the_turns() -> None:
    first = named(FIRST, prompt_cache_key="a")
    assert first == named(*MORE, prompt_cache_key="a")
    assert len({first, named(FIRST, prompt_cache_key="b"), named(FIRST), named(FIRST, account="b")}) == 4


def test_a_unit_s_share_is_its_own_and_even_over_many() -> None:
    shares = [share_of(str(number)) for number in range(2_000)]
    assert shares == [share_of(str(number)) for number in range(2_000)]
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=0.03)
    assert all(0 <= share < 1 for share in shares)


def test_a_stay_is_known_for_ten_minutes_after_its_last_use_and_short_prompts_have_none() -> None:
    stays = Stays()
    stays.note("a", "openai/x", 5_000, 100.0)
    assert stays.of("a", 100.0 + KEPT_S - 1) == Stay("openai/x", 5_000, 100.0 + KEPT_S)
    assert stays.of("a", 100.0 + KEPT_S) is None
    stays.note("a", "openai/x", 100, 101.0)
    assert (stays.of("a", 102.0), stays.of("b", 102.0)) == (None, None)


def test_stays_are_bounded_by_giving_up_the_oldest() -> None:
    stays = Stays()
    for number in range(CONVERSATIONS_MAX + 1):
        stays.note(str(number), "openai/x", 5_000, 0.0)
    assert stays.of("0", 1.0) is None
    assert stays.of("1", 1.0) is not None


@pytest.mark.parametrize(
    ("cache_read", "tokens", "stays"),
    [("0.1", 10_000, True), ("0.1", 2_000, False), (None, 10_000, False), ("3", 10_000, False)],
)
def test_a_conversation_stays_while_that_is_cheaper(cache_read: str | None, tokens: int, stays: bool) -> None:
    price = {} if cache_read is None else {"cache_read": cache_read}
    held = target("openai", "4", "8", price={"input": "4", "output": "8", **price})
    candidates = planned(catalog_of(model("twice", held, target("deepseek", "2", "8"))), "twice").candidates
    found = cheaper_stay(candidates, "deepseek/twice", Stay("openai/twice", tokens, 1.0), LONG)
    assert found == ("openai/twice" if stays else None)
    # It is there already, or may not be asked.
    assert cheaper_stay(candidates, "openai/twice", Stay("openai/twice", tokens, 1.0), LONG) is None
    assert cheaper_stay(candidates, "deepseek/twice", Stay("azure/twice", tokens, 1.0), LONG) is None

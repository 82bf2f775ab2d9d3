"""Tests that betas which change a price are not asked for, and that all others reach Anthropic."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest
from gateway.operations.betas import betas_within_price


def test_betas_of_agents_are_kept_in_order() -> None:
    asked = "claude-code-20250219, interleaved-thinking-2025-05-14,context-management-2025-06-27, effort-2025-11-24"
    assert betas_within_price(asked) == tuple(beta.strip() for beta in asked.split(","))


@pytest.mark.parametrize(
    "header", ["", " , ", "code-execution-2025-08-25", "skills-2025-10-02", "new-thing-2027-01-01"]
)
def test_a_beta_that_may_cost_more_stays_behind(header: str) -> None:
    assert betas_within_price(f"{header},effort-2025-11-24") == ("effort-2025-11-24",)


@pytest.mark.parametrize("beta", ["context-1m-2025-08-07", "fast-mode-2026-02-01"])
def test_a_beta_that_is_known_to_cost_more_is_refused_by_name(beta: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        betas_within_price(f"effort-2025-11-24, {beta}")
    assert (refused.value.param, beta in refused.value.message) == ("anthropic-beta", True)

"""Prices of tools that a provider runs: uses x list price and margin, as exact integers, without rounding.

What a request may use is known before it is sent, so that its uses and the tokens that they read can be held for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from gateway.canonical.money import NanoUsd, ToolCost
from gateway.canonical.usage import Uses, uses_of
from gateway.ledger.money import format_usd
from gateway.ledger.prices import BASIS_POINTS

# List prices are whole multiples of so many nano-USD, so that any hundredth of a percent of one is whole too.
PRICE_STEP_NANOUSD = 10_000


class OfferedTool(Struct, frozen=True):
    """One priced tool of a request: `name` is the word under which its uses are counted.

    It is used `most_uses` times, and adds `tokens` to the prompt each time; `None` stands for a whole context window.
    One `per_request` is paid once, and the model is not asked anew after each use.
    """

    name: str
    nanousd: NanoUsd
    most_uses: int
    tokens: int | None = None
    per_request: bool = False

    def paid(self, uses: int) -> int:
        """The uses that are paid, of so many that were counted."""
        return min(uses, 1) if self.per_request else uses


class OfferedTools(Struct, frozen=True):
    """All priced tools of a request, one for each name. `most_uses` bounds their uses together, where it is set."""

    tools: tuple[OfferedTool, ...] = ()
    most_uses: int | None = None

    @property
    def rounds(self) -> int:
        """The most times that the model is asked anew, with the results of a use in its prompt."""
        looping = sum(tool.most_uses for tool in self.tools if not tool.per_request)
        return looping if self.most_uses is None else min(looping, self.most_uses)

    def prompt_tokens_at_most(self, prompt_tokens: int, window: int) -> int:
        """The most prompt tokens of all rounds together: each reads what the rounds before it have added.

        `prompt_tokens` is what each round reads of the request and of its answer.
        """
        first = prompt_tokens + sum(_tokens(tool, window) for tool in self.tools if tool.per_request)
        added = max((_tokens(tool, window) for tool in self.tools if not tool.per_request), default=0)
        rounds = self.rounds + 1
        # The rounds that do not fill the window; all later ones do.
        free = min(rounds, max(window - first, 0) // added) if added else rounds * (first <= window)
        return free * first + added * free * (free + 1) // 2 + (rounds - free) * window

    def cost_at_most(self, basis_points: int) -> NanoUsd:
        """The highest cost of the uses, for any mix of tools, at that share of their list prices."""
        left, total = self.rounds, 0
        for tool in self._dearest_first():
            uses = 1 if tool.per_request else min(tool.most_uses, left)
            left -= 0 if tool.per_request else uses
            total += tool_nanousd(tool.nanousd, uses, basis_points)
        return total

    def bounded(self, uses: Uses) -> Uses:
        """The part of the uses that the request can have caused."""
        left = self.rounds
        counts, kept = dict(uses), dict[str, int]()
        for tool in self._dearest_first():
            count = counts.get(tool.name, 0)
            kept[tool.name] = count if tool.per_request else min(count, tool.most_uses, left)
            left -= 0 if tool.per_request else kept[tool.name]
        return uses_of(kept)

    def costs(self, uses: Uses, basis_points: int) -> tuple[ToolCost, ...]:
        """The cost of each tool that was used, at that share of its list price."""
        paid = {name: tool.paid(count) for name, count in uses for tool in self.tools if tool.name == name}
        prices = {tool.name: tool.nanousd for tool in self.tools}
        return tuple(
            ToolCost(name, count, tool_nanousd(prices[name], count, basis_points)) for name, count in paid.items()
        )

    def _dearest_first(self) -> Iterable[OfferedTool]:
        return sorted(self.tools, key=lambda tool: tool.nanousd, reverse=True)


NO_TOOLS = OfferedTools()


def tool_nanousd(list_nanousd: NanoUsd, uses: int, basis_points: int) -> NanoUsd:
    """The cost of so many uses, at a share of the list price."""
    return list_nanousd * uses * basis_points // BASIS_POINTS


def tool_lines(tools: Iterable[ToolCost]) -> list[dict[str, Any]]:
    """The costs of tools as answers and ledger entries show them, one line for each tool."""
    return [{"tool": tool.tool, "uses": tool.uses, "cost_usd": format_usd(tool.nanousd)} for tool in tools]


def _tokens(tool: OfferedTool, window: int) -> int:
    return window if tool.tokens is None else tool.tokens

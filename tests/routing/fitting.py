"""Fits the weights of grading on its half of the labelled prompts, and prints them: `python -m tests.routing.fitting`.

An ordinal logistic regression with two steps, by gradient descent with a penalty on large weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp
from pathlib import Path
from typing import NamedTuple

from gateway.canonical.request import ChatRequest
from gateway.routing.grading import features
from gateway.routing.grading_words import STEP
from tests.routing.catalogs import asked

CLASSES = ("easy", "medium", "hard")
TOOLS = [
    {"type": "function", "function": {"name": name, "description": f"Calls {name}.", "parameters": {"type": "object"}}}
    for name in ("get_weather", "search", "send_mail", "update_record")
]
DOCUMENT = "Section {}. The lessee keeps the rooms in good order and pays the rent by the third day of each month. "
DOCUMENT_ZH = "第{}条 承租人应当保持房屋完好，并在每月三日之前支付租金，逾期应当支付违约金。"


class Prompt(NamedTuple):
    """One labelled prompt: the class of quality that it needs, its kind, and its language."""

    needs: str
    kind: str
    language: str
    text: str

    @property
    def request(self) -> ChatRequest:
        """The prompt as a caller sends it: with tools, or behind a document, where its kind has them."""
        return _sent(self)


@cache
def _sent(prompt: Prompt) -> ChatRequest:
    text = prompt.text.replace("\\n", "\n")
    if prompt.kind == "long":
        page = DOCUMENT_ZH if prompt.language == "zh" else DOCUMENT
        text = "".join(page.format(number) for number in range(1, 200)) + "\n\n" + text
    more = {"tools": TOOLS} if prompt.kind == "tools" else {}
    return asked("nexevo/auto", messages=[{"role": "user", "content": text}], **more)


@cache
def prompts() -> tuple[Prompt, ...]:
    """All labelled prompts."""
    lines = Path(__file__).with_name("prompts.txt").read_text().splitlines()
    return tuple(Prompt(*line.split(" ", 3)) for line in lines)


def halves() -> tuple[list[Prompt], list[Prompt]]:
    """The prompts for fitting, and those held back: every other one."""
    every = prompts()
    return list(every[::2]), list(every[1::2])


def fitted(
    examples: Sequence[Prompt], penalty: float = 0.008, rounds: int = 800, rate: float = 0.5
) -> dict[str, float]:
    """The weights under which the classes are likeliest."""
    rows = [(features(each.request), CLASSES.index(each.needs)) for each in examples]
    names = sorted({name for row, _ in rows for name in row})
    weights = dict.fromkeys(names, 0.0)
    for _ in range(rounds):
        slopes = dict.fromkeys(names, 0.0)
        for row, wanted in rows:
            score = sum(weights[name] * value for name, value in row.items())
            # How far the probabilities to be above each step are from the truth; steep, so that classes part.
            error = sum(
                (1 / (1 + exp(-SHARPNESS * (score - step)))) - (wanted > above)
                for above, step in enumerate((0.0, STEP))
            )
            for name, value in row.items():
                slopes[name] += error * value
        for name in names:
            held = 0.0 if name == "constant" else penalty * weights[name]
            weights[name] -= rate * (slopes[name] / len(rows) + held)
    return {name: round(weight, 2) for name, weight in weights.items()}


SHARPNESS = 4.0

if __name__ == "__main__":
    for name, weight in fitted(halves()[0]).items():
        print(f'    "{name}": {weight},')

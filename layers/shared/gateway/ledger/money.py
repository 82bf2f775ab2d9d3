"""Decimal text <-> integers of 10^-9 USD, exactly. An amount that cannot be exact is refused, never rounded.

No float is accepted: 0.1 is not a tenth. Amounts are bounded, so that no quantity of a request can overflow a sum
(GHSA-8r8v-xf7q-rcpr: an image count of 2^64 became a negative charge).
"""

from __future__ import annotations

import re

from gateway.canonical.money import NanoUsd

NANO_PER_USD = 10**9
DECIMALS = 9
# A DynamoDB number keeps 38 digits: enough for any sum of amounts. No account has a billion dollars.
AMOUNT_NANOUSD_MAX = 10**9 * NANO_PER_USD

# No exponent: "1e999999" would exhaust memory. ASCII digits: int() also reads the digits of other scripts.
DECIMAL = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)

# An exponent of two digits makes a text of a hundred.
_ANY_FORM = re.compile(r"\+?(?=\.?\d)(\d{0,18})\.?(\d{0,18})(?:[eE]([+-]?\d{1,2}))?", re.ASCII)


class NotAnAmount(ValueError):
    """Reports a text that is not an exactly storable amount of USD."""


def parse_usd(text: str) -> NanoUsd:
    """The amount that plain decimal text (`"12.5"`) names; raises `NotAnAmount`, also for a sign or
    a tenth of a nano.
    """
    match = DECIMAL.fullmatch(text)
    if match is None:
        raise NotAnAmount(f"{text[:40]!r} is not a decimal amount like '12.50'")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > DECIMALS:
        raise NotAnAmount(f"{text!r} is finer than a billionth of a dollar")
    amount = int(whole) * NANO_PER_USD + int(fraction.ljust(DECIMALS, "0"))
    if amount > AMOUNT_NANOUSD_MAX:
        raise NotAnAmount(f"{text!r} is more than an account can hold")
    return amount


def parse_written_usd(text: str) -> NanoUsd:
    """The amount that a person wrote in any decimal form (`1e-7`, `.5`, `5.`, `+1`); raises `NotAnAmount`."""
    match = _ANY_FORM.fullmatch(text)
    if match is None:
        raise NotAnAmount(f"{text[:40]!r} is not a decimal amount like '12.50'")
    point, digits = len(match[1]) + int(match[3] or 0), match[1] + match[2]
    whole = digits[: max(point, 0)].ljust(point, "0").lstrip("0")
    fraction = ("0" * -point + digits[max(point, 0) :]).rstrip("0")
    return parse_usd(f"{whole or 0}.{fraction or 0}")


def format_usd(amount: NanoUsd) -> str:
    """Plain decimal text without trailing noise: `"0.0000525"`, `"3"`, `"-1.5"`."""
    whole, fraction = divmod(abs(amount), NANO_PER_USD)
    text = f"{whole}.{fraction:0{DECIMALS}d}".rstrip("0").removesuffix(".")
    return f"-{text}" if amount < 0 else text

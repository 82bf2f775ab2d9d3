"""Prices of pictures: by the piece, or by tokens x list price; the share paid, rounded once, half up."""

from __future__ import annotations

from gateway.canonical.images import IMAGE, IMAGE_TOKEN, TEXT_TOKEN, ImagePrice
from gateway.canonical.money import NanoUsd
from gateway.canonical.usage import Usage
from gateway.ledger.money import parse_usd
from gateway.ledger.prices import BASIS_POINTS, TOKENS_PER_PRICE, NoPrice
from gateway.ledger.request_prices import pieces_cost


def image_cost(price: ImagePrice, usage: Usage, size: str, basis_points: int, *, hd: bool) -> NanoUsd:
    """The cost of a usage at a share of the list price; raises `NoPrice` without one.

    A picture of quality `hd` is paid twice (section 7 of the public contract).
    """
    counts = dict(usage.uses)
    if price.output is None:
        listed = price.sizes.get(size, price.image)
        if listed is None:
            raise NoPrice("the model has no price")
        return pieces_cost(listed, counts.get(IMAGE, 0) * (2 if hd else 1), basis_points)
    if price.input is None or price.image_input is None:
        raise NoPrice("the model has no price of its prompt")
    of_pictures = min(counts.get(IMAGE_TOKEN, 0), usage.prompt)
    of_words = min(counts.get(TEXT_TOKEN, 0), usage.output)
    nano = (usage.prompt - of_pictures) * parse_usd(price.input) + of_pictures * parse_usd(price.image_input)
    nano += (usage.output - of_words) * parse_usd(price.output)
    nano += of_words * parse_usd(price.text_output or price.output)
    denominator = TOKENS_PER_PRICE * BASIS_POINTS
    return (2 * nano * basis_points + denominator) // (2 * denominator)

"""Draws charts as SVG, on the server: without a script, a style of their own, or a library."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT, FOOT = 640, 160, 22
LABELS_MAX = 8
NARROW_LABELS_MAX = 4
# A single bar over the whole width looks like a frame.
BAR_MAX = 56.0


def bars(rows: Sequence[tuple[str, str]]) -> Markup:
    """Bars of amounts by their labels. Screen readers have the table beside it, so the chart is hidden from them."""
    from markupsafe import Markup as Made  # comes with the templates, after the cold start
    from markupsafe import escape  # likewise

    amounts = [Decimal(amount) for _, amount in rows]
    most = max([*amounts, Decimal(0)]) or Decimal(1)
    each = WIDTH / max(len(rows), 1)
    room = HEIGHT - FOOT
    step = -(-len(rows) // LABELS_MAX) or 1
    drawn = []
    for place, ((label, amount), value) in enumerate(zip(rows, amounts, strict=True)):
        height = max(float(value / most) * (room - 4), 1.5 if value > 0 else 0)
        wide = min(each * 0.7, BAR_MAX)
        middle = place * each + each / 2
        left = middle - wide / 2
        drawn.append(
            f'<rect class="bar" x="{left:.1f}" y="{room - height:.1f}" width="{wide:.1f}" height="{height:.1f}" rx="2">'
            f"<title>{escape(label)}: {escape(amount)}</title></rect>"
        )
        if place % step == 0:
            # A narrow page has larger letters, and room for half of the labels.
            odd = ' class="odd"' if place // step % 2 and len(rows) > NARROW_LABELS_MAX else ""
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle"{odd}>{escape(label)}</text>')
    frame = f'<line class="axis" x1="0" x2="{WIDTH}" y1="{room}" y2="{room}"/>'
    # Every label and amount is escaped above.
    return Made(  # noqa: S704  # as said
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">'
        f"{frame}{''.join(drawn)}</svg>"
    )

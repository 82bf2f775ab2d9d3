"""Makes pages of templates, and serves the assets that they name.

Jinja2 is loaded by the first page. Its output escapes every value; a value that is markup already is one of
`charts.py`, which escapes its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from gateway.console.visit import Answer, Visit

if TYPE_CHECKING:
    from jinja2 import Environment

# Stands for a value that there is not.
NONE = "-"
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
# Has the Chinese of codes that are a provider's, and of refusals without one.
OTHER_CODES = ""
# What a page says after a form was taken: the query names one of these, so that no link can put words into a page.
SAID = {
    "saved": "Saved.",
    "created": "Created.",
    "revoked": "Revoked.",
    "removed": "Removed.",
    "invited": "The invitation is on its way.",
    "joined": "You have joined the organization.",
    "left": "You have left.",
    "letter": "If the address can be used for this, a letter is on its way.",
    "verified": "The address is confirmed. Sign in.",
    "password": "The password is changed. Sign in with it.",
    "signed-out": "You are signed out.",
    "canceled": "Canceled.",
    "deactivated": "The account has ended.",
}
TOPUP_SAID = {"done": "Thank you. The payment is credited within seconds.", "canceled": "Nothing was paid."}


class Renderer:
    """The templates, words and assets of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _assets(self) -> dict[str, tuple[str, bytes]]:
        """Each asset's name in addresses, which has its hash, and its content."""
        found = {}
        for path in sorted((self.folder / "assets").iterdir()):
            content = path.read_bytes()
            found[path.name] = (f"{path.stem}.{sha256(content).hexdigest()[:16]}{path.suffix}", content)
        return found

    @cached_property
    def _words(self) -> Mapping[str, str]:
        """Chinese by English."""
        words: dict[str, str] = orjson.loads((self.folder / "words" / "zh.json").read_bytes())
        return words

    @cached_property
    def _codes(self) -> Mapping[str, str]:
        """Chinese by the codes of errors: their English is written for each case, and has no translation."""
        codes: dict[str, str] = orjson.loads((self.folder / "words" / "codes.zh.json").read_bytes())
        return codes

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment as Made  # no cold start pays for it
        from jinja2 import FileSystemLoader, StrictUndefined  # likewise

        made = Made(
            loader=FileSystemLoader(self.folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        made.filters |= {"usd": usd, "number": number, "time": time_of, "plain": plain}
        return made

    def asset(self, named: str) -> Answer:
        """An asset by its name with its hash, under which it never changes.

        While a version replaces another one, a page of one may ask the other, and gets what there is, not to be kept.
        """
        name, _, kind = named.rpartition(".")
        address, content = self._assets.get(f"{name.partition('.')[0]}.{kind}", ("", b""))
        if not address:
            return Answer(b"not found", 404, {"Content-Type": "text/plain", "Cache-Control": "no-store"})
        kept = FOR_EVER if address == named else "no-store"
        return Answer(content, headers={"Content-Type": TYPES[kind], "Cache-Control": kept})

    def page(self, visit: Visit, name: str, **values: Any) -> Answer:
        """A page of the template of that name."""
        from gateway.console.menu import menu  # noqa: PLC0415  # no cold start pays for the permissions

        query = visit.request.query
        said = SAID.get(query.get("said", "")) or TOPUP_SAID.get(query.get("topup", ""), "")
        words, codes = (self._words, self._codes) if visit.lang == "zh" else ({}, {})
        body = self._environment.get_template(f"{name}.html").render(
            visit=visit,
            state=visit.state,
            menu=menu(visit.state),
            root=visit.root,
            error=visit.error,
            said=said if visit.error is None else "",
            t=lambda english: words.get(english, english),
            by_code=lambda code, english: codes.get(code) or codes.get(OTHER_CODES, english),
            code_words=codes,
            asset=lambda file: f"{visit.root}/assets/{self._assets[file][0]}",
            here=visit.request.path.removeprefix("/console"),
            **values,
        )
        return Answer(body.encode())

    def guide(self, *, stage: str, html: str, **values: Any) -> bytes:
        """A document for users: the HTML is markup that `make docs` has written, from files of the repository."""
        from markupsafe import Markup  # comes with Jinja2, which no cold start loads

        return (
            self._environment.get_template("guide.html")
            .render(
                stage=stage,
                asset=lambda file: f"{stage}/console/assets/{self._assets[file][0]}",
                body=Markup(html),  # noqa: S704  # no request has a part in it
                **values,
            )
            .encode()
        )


def usd(amount: str | None) -> str:
    """An amount as people read it: two places, or as many as it takes to see a small one."""
    if amount is None:
        return NONE
    value = Decimal(amount)
    if value == 0 or abs(value) >= 1:
        return f"{value:,.2f} USD"
    return f"{value:.6f}".rstrip("0").ljust(4, "0") + " USD" if abs(value) >= Decimal("0.000001") else f"{value} USD"


def number(value: float | None) -> str:
    """A count with its thousands apart."""
    return NONE if value is None else f"{value:,}"


def plain(value: object) -> str:
    """A setting as people read it: not as Python writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(plain, value)) or NONE
    return NONE if value is None else str(value)


def time_of(moment: str | None) -> str:
    """A time to the minute, of UTC."""
    return NONE if not moment else moment[:16].replace("T", " ")

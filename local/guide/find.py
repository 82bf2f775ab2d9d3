"""Writes the index of all pages, A to Z: it is found by the browser's search, without a script."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from gateway.console.guide import MENU
from local.guide.reference import Json, bodies

ENDPOINT = r"^[A-Z]+ /(v\d\w*/)?"


def find_page(texts: Mapping[str, str], document: Json) -> str:
    """Writes the index of all pages: headings, codes of errors and parameters, each with links to where they stand."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for name, text in texts.items():
        bare = re.sub(r"(?ms)^```.*?^```$", "", text)
        for heading in re.findall(r"(?m)^##+ (.+)$", bare):
            places[heading.replace("`", "")][MENU[name]] = f"{name}.md#{slug(heading)}"
    for status, rows in re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", texts["errors"]):
        for code in re.findall(r"(?m)^\| `(\w+)` \|", rows):
            places[code][f"Errors, {status}"] = f"errors.md#{slug(status)}"
    for shape in sorted(bodies(document)):
        for member in document["components"]["schemas"][shape]["properties"]:
            places[member][shape] = f"reference.md#{shape.lower()}"
    lines = ["# A to Z", "", "Every heading, parameter, shape and code of an error, with the pages that tell of it."]
    letter = ""
    for term in sorted(places, key=lambda each: (first_letter(each), re.sub(ENDPOINT, "", each).lower(), each)):
        if first_letter(term) != letter:
            letter = first_letter(term)
            lines.append(f"\n## {letter}\n")
        led = ", ".join(f"[{named}]({to})" for named, to in sorted(places[term].items()))
        lines.append(f"- {term if ' ' in term or '/' in term else f'`{term}`'}: {led}")
    return "\n".join(lines) + "\n"


def first_letter(term: str) -> str:
    """Returns the letter that a term is sorted under; an endpoint has that of its path behind the version."""
    found = re.search(r"[A-Za-z]", re.sub(ENDPOINT, "", term))
    return found[0].upper() if found and not term[0].isdigit() else "0-9"


def slug(heading: str) -> str:
    """Returns a heading's id, as GitHub makes it, so that one link works in both places."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")

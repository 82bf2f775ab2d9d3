"""Checks the documentation against the code: the walk's paths, the README's commands, no machine's own paths."""

import re
import subprocess
from pathlib import Path

from tests.arch.tree import ROOT, files, text

WALK = Path("docs/walk.md")
README = Path("README.md")
FIELD_CASES, FIELD_CASES_TOTAL = Path("docs/field-cases.md"), 90
# Folders in which a path of the walk may start, so that `gateway/errors.py` and `pipeline.py` need no prefix.
ROOMS = (Path(), Path("layers/shared"), Path("layers/shared/gateway"))
SUFFIXES = {".json", ".md", ".py", ".toml", ".yaml"}
# Written with brackets, so that this file does not contain the text that it looks for.
MACHINE = re.compile(r"(?<![\w.])/(root|home|Users|work)[/]\w|[A-Z]:\\Users")
REGISTRY = re.compile(
    r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|registry[.]yarnpkg|proxy[.]golang|maven[.]org|--(extra-)?index-url"
)


def sections() -> list[tuple[int, str]]:
    """Lists the walk's numbered sections with number and text."""
    parts = re.split(r"(?m)^## (\d+)\. ", text(WALK))[1:]
    return [(int(number), body) for number, body in zip(parts[::2], parts[1::2], strict=True)]


def paths(body: str) -> list[str]:
    """Lists the repository paths in backticks: those that have a known suffix, or start in a room."""
    quoted = re.findall(r"`([\w./-]+)`", body)
    return [q for q in quoted if not q.startswith("/") and (Path(q).suffix in SUFFIXES or _starts_in_a_room(q))]


def _starts_in_a_room(path: str) -> bool:
    first, slash, _ = path.partition("/")
    return bool(slash) and any((ROOT / room / first).is_dir() for room in ROOMS)


def find(path: str) -> Path | None:
    """Finds the file or folder that a path of the walk means."""
    return next((room / path for room in ROOMS if (ROOT / room / path).exists()), None)


def test_the_walks_sections_are_numbered_in_order() -> None:
    numbers = [number for number, _ in sections()]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_walks_paths_exist() -> None:
    assert {path for _, body in sections() for path in paths(body) if find(path) is None} == set()


def test_each_section_of_the_walk_is_about_files_that_exist() -> None:
    assert [number for number, body in sections() if not paths(body)] == []


def test_an_endpoint_is_at_most_thirteen_files_and_its_page_names_all_of_them() -> None:
    page = text(Path("docs/adding-an-endpoint.md"))
    listed = re.findall(r"(?m)^\| \d+ \| `([^`]+)` \|", page)
    (family,) = re.findall(r"(?m)^\| 4 \| `functions/(\w+)/app\.py`", page)
    named = {str(path) for path in files() if family in text(path).lower() or family in str(path)}
    assert len(listed) <= 13
    assert set(listed) <= named
    # `make cost`, `make openapi` and `make docs` write these, with no hand in them; SDKs have a page of their own.
    made = ("docs/", "sdks/", "bench/costs/counts.json", "functions/models/openapi.json", "functions/console/guide/")
    assert {path for path in named if not path.startswith(made)} <= set(listed)


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    used = set(re.findall(r"\bmake ([a-z][a-z-]*)", text(README)))
    assert {"run", "test"} <= used
    assert used - set(re.findall(r"(?m)^([a-z-]+):", text(Path("Makefile")))) == set()


def test_help_lists_every_target() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", text(Path("Makefile"))))
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"help", "run", "test"} <= targets
    assert {line.split()[0] for line in shown.stdout.splitlines()} == targets


def test_every_target_of_the_makefile_is_phony() -> None:
    makefile = text(Path("Makefile"))
    phony = re.search(r"(?m)^\.PHONY: (.+)$", makefile)
    assert phony is not None
    assert set(re.findall(r"(?m)^([a-z-]+):", makefile)) == set(phony[1].split())


def test_no_file_holds_a_machines_path_or_a_registrys_host() -> None:
    held = {str(path) for path in files() if MACHINE.search(text(path)) or REGISTRY.search(text(path))}
    assert held == set()


def test_every_locked_package_has_a_version_and_hashes() -> None:
    locks = [path for path in files() if path.suffix == ".txt" and "requirements" in (path.parts[0], path.stem)]
    assert {Path("layers/shared/requirements.txt"), Path("requirements/dev.txt")} < set(locks)
    for lock in locks:
        packages = re.split(r"(?m)^(?=[a-zA-Z])", text(lock))[1:]
        assert packages
        assert [p.split()[0] for p in packages if "==" not in p or "--hash=sha256:" not in p] == []


def test_every_field_case_has_a_test() -> None:
    rows = re.findall(r"(?m)^\| ([A-L]\d+) \| [^|]+ \| `(tests/[\w/]+\.py)` \| `(test_\w+)` \|$", text(FIELD_CASES))
    assert len({case for case, _, _ in rows}) == len(rows) == FIELD_CASES_TOTAL
    missing = [case for case, path, name in rows if not re.search(rf"(?m)^(async )?def {name}\(", text(Path(path)))]
    assert missing == []


def test_every_field_case_that_the_code_names_is_in_the_table() -> None:
    known = set(re.findall(r"(?m)^\| ([A-L]\d+) \|", text(FIELD_CASES)))
    named = {
        case
        for path in files()
        if path.suffix == ".py"
        for cases in re.findall(r"[Ff]ield cases? ([A-L]\d+(?:(?:, | and | to )[A-L]\d+)*)", text(path))
        for case in re.findall(r"[A-L]\d+", cases)
    }
    assert named
    assert named <= known

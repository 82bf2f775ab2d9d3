"""What is written about the code stays true: the walk's paths, the README's commands, no machine's own paths."""

import re
from pathlib import Path

from tests.arch.tree import ROOT, files, text

WALK = Path("docs/walk.md")
README = Path("README.md")
# Where a path of the walk may start, so that `gateway/web.py` and `pipeline.py` need no prefix.
ROOMS = (Path(), Path("layers/shared"), Path("layers/shared/gateway"))
SUFFIXES = {".json", ".md", ".py", ".toml", ".yaml"}
# Spelled with brackets, so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?<![\w.])/(root|home|Users|work)[/]\w|[A-Z]:\\Users")
REGISTRY = re.compile(
    r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|registry[.]yarnpkg|proxy[.]golang|maven[.]org|--(extra-)?index-url"
)


def sections() -> list[tuple[int, str]]:
    """The walk's numbered sections: number and text."""
    parts = re.split(r"(?m)^## (\d+)\. ", text(WALK))[1:]
    return [(int(number), body) for number, body in zip(parts[::2], parts[1::2], strict=True)]


def paths(body: str) -> list[str]:
    """What stands in backticks and is a repository path: it has a known suffix, or starts in a room."""
    quoted = re.findall(r"`([\w./-]+)`", body)
    return [q for q in quoted if not q.startswith("/") and (Path(q).suffix in SUFFIXES or _starts_in_a_room(q))]


def _starts_in_a_room(path: str) -> bool:
    first, slash, _ = path.partition("/")
    return bool(slash) and any((ROOT / room / first).is_dir() for room in ROOMS)


def find(path: str) -> Path | None:
    """The file or folder that a path of the walk means."""
    return next((room / path for room in ROOMS if (ROOT / room / path).exists()), None)


def test_the_walks_sections_are_numbered_in_order() -> None:
    numbers = [number for number, _ in sections()]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_walks_paths_exist() -> None:
    assert {path for _, body in sections() for path in paths(body) if find(path) is None} == set()


def test_each_section_of_the_walk_enters_a_room_of_its_own() -> None:
    rooms = [find(paths(body)[0]) if paths(body) else None for _, body in sections()]
    assert None not in rooms
    assert len(rooms) == len(set(rooms))


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    used = set(re.findall(r"\bmake ([a-z][a-z-]*)", text(README)))
    assert {"run", "test"} <= used
    assert used - set(re.findall(r"(?m)^([a-z-]+):", text(Path("Makefile")))) == set()


def test_help_lists_every_target() -> None:
    makefile = text(Path("Makefile"))
    phony = re.search(r"(?m)^\.PHONY: (.+)$", makefile)
    assert phony is not None
    assert set(re.findall(r"(?m)^([a-z-]+):", makefile)) == set(phony[1].split())


def test_no_file_holds_a_machines_path_or_a_registrys_host() -> None:
    held = {str(path) for path in files() if MACHINE.search(text(path)) or REGISTRY.search(text(path))}
    assert held == set()


def test_every_locked_package_has_a_version_and_hashes() -> None:
    for lock in (path for path in files() if re.fullmatch(r"(dev|sam|requirements)\.txt", path.name)):
        packages = re.split(r"(?m)^(?=[a-zA-Z])", text(lock))[1:]
        assert packages
        assert [p.split()[0] for p in packages if "==" not in p or "--hash=sha256:" not in p] == []

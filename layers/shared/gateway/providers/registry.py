"""Who holds the accounts: a row per provider. A provider without behaviour of its own is a row and no file.

A row says where its provider is, at which path it serves a model, what it is shown to let a request in, and which wire
it speaks. Base URLs are as the vendor's own SDK takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.canonical.codec import UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.ports import Credential, UpstreamRequest
from gateway.protocols import anthropic_messages, bedrock_converse, gemini, openai_chat, openai_responses
from gateway.protocols.anthropic_messages import count_tokens as messages_count
from gateway.protocols.anthropic_messages.join import join as join_messages
from gateway.protocols.gemini import count_tokens as gemini_count
from gateway.providers import bedrock, google
from gateway.providers.outgoing import Headers, Outgoing

# https://docs.claude.com/en/api/versioning
ANTHROPIC_VERSION = "2023-06-01"
_JSON = ("content-type", "application/json")


Path = Callable[[Outgoing], str]
Join = Callable[[Iterable[bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Counter:
    """How a provider counts a prompt without answering it: where, and both bodies."""

    path: Path
    encode: Callable[[ChatRequest, Target], bytes]
    decode: Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Provider:
    """One row. `path` follows the base URL; `sign` gives the credential's headers for a request to an address.

    `join` makes a whole answer of a stream's frames, for answers too long to be asked for whole. `others` are the same
    provider's rows for its other wires.
    """

    name: str
    base_url: Callable[[Credential], str]
    path: Path
    sign: Callable[[str, Outgoing], Headers]
    codec: UpstreamCodec
    counter: Counter | None = None
    join: Join | None = None
    others: tuple[Provider, ...] = ()

    def speaking(self, protocol: str, wires: tuple[str, ...] = ()) -> Provider:
        """The row that speaks the caller's wire, among this one and `others`; where none does, the first there is.

        `wires` are those that the model is served on, where it is not served on all.
        """
        rows = {row.codec.protocol: row for row in (self, *self.others)}
        served = [rows[wire] for wire in wires or rows]
        return next((row for row in served if row.codec.protocol == protocol), served[0])

    def joining(self, asked: ChatRequest, target: Target) -> Join | None:
        """How a whole answer is joined from a stream, where it may be too long to be asked for whole."""
        bound = target.profile.whole_answer_tokens_max
        if bound is None or (asked.max_output_tokens or target.max_output_tokens) <= bound:
            return None
        return self.join

    def origin(self, credential: Credential) -> str:
        """Where all its requests go: the operator's base URL, or the vendor's own."""
        return (credential.base_url or self.base_url(credential)).rstrip("/")

    def request(self, asked: ChatRequest, target: Target, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave; raises `InvalidRequest` for what the wire or the model cannot take."""
        body = self.codec.encode_request(asked, target)
        return self._addressed(self.path, body, asked, target, credential, now_s)

    def count_request(
        self, counter: Counter, asked: ChatRequest, target: Target, credential: Credential, now_s: float
    ) -> UpstreamRequest:
        """The request that has the provider count a prompt."""
        body = counter.encode(asked, target)
        return self._addressed(counter.path, body, asked, target, credential, now_s)

    def _addressed(
        self, path: Path, body: bytes, asked: ChatRequest, target: Target, credential: Credential, now_s: float
    ) -> UpstreamRequest:
        betas = asked.betas if asked.protocol == self.codec.protocol else ()
        outgoing = Outgoing(target.model, asked.stream, body, credential, now_s, betas)
        url = self.origin(credential) + path(outgoing)
        return UpstreamRequest(url, (_JSON, *self.sign(url, outgoing)), body)


def at(address: str) -> Callable[[Credential], str]:
    """One base URL for all accounts."""
    return lambda _: address


def under(path: str) -> Callable[[Outgoing], str]:
    """One path for all models, which are named in the body."""
    return lambda _: path


def bearer(_: str, outgoing: Outgoing) -> Headers:
    """The key as a bearer token, OpenAI's manner."""
    return (("authorization", f"Bearer {outgoing.credential.api_key}"),)


def anthropic_key(_: str, outgoing: Outgoing) -> Headers:
    """The key, the version of the wire that the codec speaks, and the betas that the caller asked for."""
    betas = (("anthropic-beta", ",".join(outgoing.betas)),) if outgoing.betas else ()
    return (("x-api-key", outgoing.credential.api_key), ("anthropic-version", ANTHROPIC_VERSION), *betas)


PROVIDERS = {
    row.name: row
    for row in (
        Provider(
            name="openai",
            base_url=at("https://api.openai.com/v1"),
            path=under("/chat/completions"),
            sign=bearer,
            codec=openai_chat.UPSTREAM,
            others=(
                Provider(
                    name="openai",
                    base_url=at("https://api.openai.com/v1"),
                    path=under("/responses"),
                    sign=bearer,
                    codec=openai_responses.UPSTREAM,
                ),
            ),
        ),
        Provider(
            name="anthropic",
            base_url=at("https://api.anthropic.com"),
            path=under("/v1/messages"),
            sign=anthropic_key,
            codec=anthropic_messages.UPSTREAM,
            counter=Counter(
                under("/v1/messages/count_tokens"), messages_count.encode_count_request, messages_count.decode_count
            ),
            join=join_messages,
        ),
        Provider(
            name="gemini",
            base_url=at("https://generativelanguage.googleapis.com"),
            path=google.developer_path,
            sign=google.developer_headers,
            codec=gemini.UPSTREAM,
            counter=Counter(google.developer_count_path, gemini_count.encode_count_request, gemini_count.decode_count),
        ),
        Provider(
            name="vertex",
            base_url=google.vertex_base_url,
            path=google.vertex_path,
            sign=google.vertex_headers,
            codec=gemini.UPSTREAM,
        ),
        Provider(
            name="bedrock",
            base_url=bedrock.base_url,
            path=lambda outgoing: bedrock_converse.UPSTREAM.path(outgoing.model, stream=outgoing.stream),
            sign=bedrock.headers,
            codec=bedrock_converse.UPSTREAM,
        ),
        Provider(
            name="deepseek",
            base_url=at("https://api.deepseek.com"),
            path=under("/chat/completions"),
            sign=bearer,
            codec=openai_chat.UPSTREAM,
        ),
    )
}

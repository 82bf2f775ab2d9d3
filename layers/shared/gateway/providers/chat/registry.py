"""Lists the chat providers, a row each. A provider without behaviour of its own is a row and no file.

A row says where its provider is, at which path it serves a model, what it is shown to let a request in, and which wire
it speaks. Base URLs are as the vendor's own SDK takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import InvalidRequest
from gateway.ports.catalog import KnownNames
from gateway.ports.upstream import CUSTOM, Credential, UpstreamRequest, row_of
from gateway.providers.chat import azure, bedrock, custom, google, mistral
from gateway.providers.chat.profiles import PROFILES, wires_of
from gateway.providers.chat.tools import TOOLS
from gateway.providers.chat.wires import part, upstream_codec
from gateway.providers.outgoing import Headers, Outgoing, anthropic_key, bearer, setting

if TYPE_CHECKING:
    # A process that reads the rows alone, as the list of models does, loads no codec and no constraints.
    from gateway.canonical.codec import UpstreamCodec
    from gateway.canonical.request import ChatRequest
    from gateway.canonical.target import Target
    from gateway.providers.constraints import Renaming

_JSON = ("content-type", "application/json")
_REGION = "region"
TOO_DEEP = "The request nests deeper than this model's provider can be sent."


Path = Callable[[Outgoing], str]
Join = Callable[[Iterable[bytes]], bytes]


class Provider(Struct, frozen=True):
    """One row. `path` follows the base URL; `sign` gives the credential's headers for a request to an address.

    `wire` names a module of `gateway.protocols`, which is loaded at its first use. With `count_path` the provider
    counts prompts there, and with `compact_path` it compacts conversations there. With `joins` its wire can join a
    stream's frames, for answers too long to be asked for whole. `others` are the same provider's rows for its other
    wires, and `default_wires` those of a model that names none, where these are not all. `dialect` names the wire's
    constraints where they are not the wire owner's. `amend` makes of a body of the wire the one that the provider
    takes. `region_setting` is the setting of the credential that says in which region the provider is asked, where it
    has several, and `regions` the pattern of their names. With `account_quota` its limits of load are for all models
    together.
    """

    name: str
    base_url: Callable[[Credential], str]
    path: Path
    sign: Callable[[str, Outgoing], Headers]
    wire: str
    count_path: Path | None = None
    compact_path: Path | None = None
    joins: bool = False
    region_setting: str = ""
    regions: str = ""
    others: tuple[Provider, ...] = ()
    default_wires: tuple[str, ...] = ()
    dialect: str | None = None
    amend: Callable[[bytes], bytes] | None = None
    account_quota: bool = False

    @property
    def codec(self) -> UpstreamCodec:
        """The wire's codec."""
        return upstream_codec(self.wire)

    def speaking(self, protocol: str, wires: tuple[str, ...] = ()) -> Provider:
        """The row that speaks the caller's wire, among this one and `others`; where none does, the first there is.

        `wires` are those that the model is served on, where it is not served on all.
        """
        wires = wires or self.default_wires
        if self.wire == protocol and (not wires or protocol in wires):
            return self
        rows = {row.wire: row for row in (self, *self.others)}
        served = [rows[wire] for wire in wires or rows]
        return next((row for row in served if row.wire == protocol), served[0])

    @property
    def wires(self) -> tuple[str, ...]:
        """The wires that the provider speaks."""
        return tuple(row.wire for row in (self, *self.others))

    def joining(self, asked: ChatRequest, target: Target) -> Join | None:
        """Returns the function that joins a stream to a whole answer, if the answer may be too long to request
        whole.
        """
        bound = target.profile.whole_answer_tokens_max
        if bound is None or (asked.max_output_tokens or target.max_output_tokens) <= bound:
            return None
        join: Join | None = part(f"{self.wire}.join").join if self.joins else None
        return join

    def located(self, credential: Credential, region: str | None) -> Credential:
        """The credential for another region than its own, where one is named."""
        if region is None:
            return credential
        return replace(credential, extra={**credential.extra, self.region_setting: region})

    def shaped(self, asked: ChatRequest, target: Target) -> ChatRequest:
        """The request as the target takes it. One of the same wire stays as it is: the provider judges it.

        What the provider or the model takes less of than the wire has is said to callers who require every parameter.
        """
        if asked.protocol != self.wire:
            return self._bridged(asked, target)
        if asked.routing.require_parameters:
            self._bridged(asked, target)
        return asked

    def renaming(self, asked: ChatRequest, target: Target) -> Renaming | None:
        """Returns the names that `shaped` changes, to be restored in the answer; `None` on the provider's own wire."""
        if asked.protocol == self.wire:
            return None
        from gateway.providers.constraints import constraints_of, renamed  # noqa: PLC0415  # bridged requests alone

        return renamed(asked, constraints_of(self._dialect, target.profile.name))

    @property
    def _dialect(self) -> str:
        return self.dialect or self.wire

    def _bridged(self, asked: ChatRequest, target: Target) -> ChatRequest:
        from gateway.providers.constraints import constraints_of, shape  # noqa: PLC0415  # bridged requests alone

        return shape(asked, target, constraints_of(self._dialect, target.profile.name))

    def origin(self, credential: Credential) -> str:
        """Returns the address of all its requests: the operator's base URL, or the vendor's own."""
        return (credential.base_url or self.base_url(credential)).rstrip("/")

    def request(self, asked: ChatRequest, target: Target, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave; raises `InvalidRequest` for what the wire or the model cannot take."""
        return self._addressed(self.path, self.written(asked, target), asked, target, credential, now_s)

    def written(self, asked: ChatRequest, target: Target) -> bytes:
        """The request's body; raises `InvalidRequest` for what the wire or the model cannot take."""
        return _written(self.codec.encode_request, self.shaped(asked, target), target)

    def count_request(
        self, asked: ChatRequest, target: Target, credential: Credential, now_s: float
    ) -> UpstreamRequest | None:
        """The request that has the provider count a prompt, or nothing where it counts none."""
        if self.count_path is None:
            return None
        encode = part(f"{self.wire}.count_tokens").encode_count_request
        body = _written(encode, self.shaped(asked, target), target)
        return self._addressed(self.count_path, body, asked, target, credential, now_s)

    def decode_count(self, body: bytes) -> int:
        """The tokens that the answer to a `count_request` names."""
        tokens: int = part(f"{self.wire}.count_tokens").decode_count(body)
        return tokens

    def compact_request(
        self, asked: ChatRequest, target: Target, credential: Credential, now_s: float
    ) -> UpstreamRequest:
        """The request that has the provider compact a conversation of its own wire."""
        if self.compact_path is None:
            raise ValueError(f"{self.name} compacts no conversation")
        body: bytes = part(f"{self.wire}.compaction").encode_compact_request(asked, target)
        return self._addressed(self.compact_path, body, asked, target, credential, now_s)

    def forwarding(self, path: str, body: bytes, model: str, credential: Credential, now_s: float) -> UpstreamRequest:
        """A request of another endpoint of the provider, at a path below its base URL."""
        url = self.origin(credential) + path
        outgoing = Outgoing(model, stream=False, body=body, credential=credential, now_s=now_s)
        return UpstreamRequest(url, (_JSON, *self.sign(url, outgoing)), body)

    def _addressed(
        self, path: Path, body: bytes, asked: ChatRequest, target: Target, credential: Credential, now_s: float
    ) -> UpstreamRequest:
        body = body if self.amend is None else self.amend(body)
        betas = asked.betas if asked.protocol == self.wire else ()
        outgoing = Outgoing(target.model, asked.stream, body, credential, now_s, betas)
        url = self.origin(credential) + path(outgoing)
        return UpstreamRequest(url, (_JSON, *self.sign(url, outgoing)), body)


def at(address: str) -> Callable[[Credential], str]:
    """One base URL for all accounts."""
    return lambda _: address


def under(path: str) -> Callable[[Outgoing], str]:
    """One path for all models, which are named in the body."""
    return lambda _: path


def placed(addresses: Mapping[str, str]) -> Callable[[Credential], str]:
    """The base URL of the credential's region; the first one where the credential names none."""
    first = next(iter(addresses))

    def base_url(credential: Credential) -> str:
        return addresses.get(credential.extra.get(_REGION, first)) or setting(credential, "base_url")

    return base_url


def _written(encode: Callable[[ChatRequest, Target], bytes], asked: ChatRequest, target: Target) -> bytes:
    """The body in a provider's words, where what the caller nests stands below more levels than in its own."""
    try:
        return encode(asked, target)
    except orjson.JSONEncodeError:
        raise InvalidRequest(TOO_DEEP, code="invalid_json") from None


def compatible(
    name: str,
    address: str | Mapping[str, str],
    *,
    dialect: str = "compatible",
    amend: Callable[[bytes], bytes] | None = None,
    account_quota: bool = False,
) -> Provider:
    """The row of a provider that speaks OpenAI's chat wire with a bearer key: at one address, or at one a region.

    `dialect` names its own constraints, a group of `providers/constraints/dialects.py`.
    """
    many = {} if isinstance(address, str) else address
    return Provider(
        name=name,
        base_url=at(address) if isinstance(address, str) else placed(address),
        path=under("/chat/completions"),
        sign=bearer,
        wire="openai_chat",
        dialect=dialect,
        amend=amend,
        account_quota=account_quota,
        region_setting=_REGION if many else "",
        regions="|".join(many),
    )


PROVIDERS = {
    row.name: row
    for row in (
        Provider(
            name="openai",
            base_url=at("https://api.openai.com/v1"),
            path=under("/chat/completions"),
            sign=bearer,
            wire="openai_chat",
            others=(
                Provider(
                    name="openai",
                    base_url=at("https://api.openai.com/v1"),
                    path=under("/responses"),
                    sign=bearer,
                    wire="openai_responses",
                    count_path=under("/responses/input_tokens"),
                    compact_path=under("/responses/compact"),
                ),
            ),
        ),
        Provider(
            name="anthropic",
            base_url=at("https://api.anthropic.com"),
            path=under("/v1/messages"),
            sign=anthropic_key,
            wire="anthropic_messages",
            count_path=under("/v1/messages/count_tokens"),
            joins=True,
        ),
        Provider(
            name="gemini",
            base_url=at("https://generativelanguage.googleapis.com"),
            path=google.developer_path,
            sign=google.developer_headers,
            wire="gemini",
            count_path=google.developer_count_path,
        ),
        Provider(
            name="vertex",
            base_url=google.vertex_base_url,
            path=google.vertex_path,
            sign=google.vertex_headers,
            wire="gemini",
            region_setting="location",
            regions=google.LOCATIONS,
            default_wires=("gemini",),
            others=(
                Provider(
                    name="vertex",
                    base_url=google.vertex_base_url,
                    path=google.vertex_claude_path,
                    sign=google.vertex_claude_headers,
                    wire="anthropic_messages",
                    joins=True,
                    amend=google.vertex_claude_body,
                ),
            ),
        ),
        Provider(
            name="bedrock",
            base_url=bedrock.base_url,
            path=bedrock.path,
            sign=bedrock.headers,
            wire="bedrock_converse",
            region_setting="region",
            regions=bedrock.REGIONS,
            default_wires=("bedrock_converse",),
            others=tuple(
                Provider(
                    name="bedrock",
                    base_url=bedrock.mantle_base_url,
                    path=under(path),
                    sign=bedrock.mantle_headers,
                    wire=wire,
                )
                for wire, path in bedrock.MANTLE_PATHS.items()
            ),
        ),
        Provider(
            name="azure",
            base_url=azure.base_url,
            path=azure.chat_path,
            sign=azure.headers,
            wire="openai_chat",
            others=(
                Provider(
                    name="azure",
                    base_url=azure.base_url,
                    path=azure.responses_path,
                    sign=azure.headers,
                    wire="openai_responses",
                ),
            ),
        ),
        compatible("deepseek", "https://api.deepseek.com", dialect="deepseek", account_quota=True),
        compatible("xai", "https://api.x.ai/v1", dialect="xai"),
        compatible("groq", "https://api.groq.com/openai/v1", dialect="groq"),
        compatible("mistral", "https://api.mistral.ai/v1", dialect="mistral", amend=mistral.body),
        compatible("openrouter", "https://openrouter.ai/api/v1"),
        compatible("together", "https://api.together.xyz/v1"),
        compatible("fireworks", "https://api.fireworks.ai/inference/v1"),
        compatible("cerebras", "https://api.cerebras.ai/v1", dialect="cerebras"),
        compatible("perplexity", "https://api.perplexity.ai", dialect="perplexity"),
        # The first address is the one outside China's mainland, as region policies take it (auth/regions.py).
        compatible(
            "qwen",
            {
                "ap-southeast-1": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "us-east-1": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
                "cn-beijing": "https://dashscope.aliyuncs.com/compatible-mode/v1",
            },
            dialect="qwen",
        ),
        compatible(
            "moonshot",
            {"global": "https://api.moonshot.ai/v1", "cn-mainland": "https://api.moonshot.cn/v1"},
            dialect="moonshot",
        ),
        compatible(
            "zhipu",
            {"global": "https://api.z.ai/api/paas/v4", "cn-mainland": "https://open.bigmodel.cn/api/paas/v4"},
            dialect="zhipu",
        ),
        compatible(
            "minimax",
            {"global": "https://api.minimax.io/v1", "cn-mainland": "https://api.minimaxi.com/v1"},
            dialect="minimax",
        ),
        Provider(
            name="cohere",
            base_url=at("https://api.cohere.com"),
            path=under("/v2/chat"),
            sign=bearer,
            wire="cohere_chat",
        ),
        # Every provider that an operator adds by a secret's row alone, `custom/<row>`.
        Provider(
            name=CUSTOM,
            base_url=custom.base_url,
            path=under("/chat/completions"),
            sign=custom.chat_headers,
            wire="openai_chat",
            region_setting=_REGION,
            regions=custom.REGIONS,
            default_wires=("openai_chat",),
            dialect="compatible",
            others=(
                Provider(
                    name=CUSTOM,
                    base_url=custom.base_url,
                    path=custom.messages_path,
                    sign=custom.messages_headers,
                    wire="anthropic_messages",
                    joins=True,
                ),
            ),
        ),
    )
}


def provider_row(provider: str) -> Provider:
    """Returns the row of a provider: of a vendor's name, or of one that an operator added."""
    return PROVIDERS[row_of(provider)]


# What rows of the catalog may name.
KNOWN = KnownNames(
    providers={row.name: row.wires for row in PROVIDERS.values()},
    default_wires={row.name: row.default_wires for row in PROVIDERS.values() if row.default_wires},
    profiles={name: wires_of(name) for name in PROFILES},
    regional={row.name: row.regions for row in PROVIDERS.values() if row.region_setting},
    tools=TOOLS,
)

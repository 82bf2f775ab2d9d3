"""generateContent: the Gemini wire's door to the corridor; the model and what is asked of it are in the path."""

from collections.abc import Mapping
from functools import partial

from gateway.bootstrap import chat_services
from gateway.protocols.gemini import CLIENT
from gateway.protocols.gemini.address import COUNT, parse_address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.gemini.count_tokens import decode_count_request, encode_count
from gateway.web import Counting, Door


def route_at(path: str, query: Mapping[str, str]) -> GeminiClient | Counting:
    """What `/v1beta/models/{model}:{method}` asks for."""
    address = parse_address(path, query)
    wire = GeminiClient(address)
    if address.method == COUNT:
        return Counting(wire, partial(decode_count_request, model=address.model), encode_count)
    return wire


app = Door(chat_services, CLIENT, route_at, key_in_query=True)

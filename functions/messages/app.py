"""Messages: the Anthropic wire's door to the corridor, and the count of its prompts."""

from gateway.bootstrap import chat_services
from gateway.protocols.anthropic_messages import CLIENT
from gateway.protocols.anthropic_messages.count_tokens import decode_count_request, encode_count
from gateway.web import Counting, Door, only

COUNTING = Counting(CLIENT, decode_count_request, encode_count)
app = Door(chat_services, CLIENT, only({"/v1/messages": CLIENT, "/v1/messages/count_tokens": COUNTING}))

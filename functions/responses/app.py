"""Responses: the other OpenAI wire's door to the corridor, and the turns it keeps."""

from gateway.responses import responses_door

app = responses_door()

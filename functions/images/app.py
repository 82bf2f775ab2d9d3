"""Serves pictures on OpenAI's wire: of a prompt, edited, and varied."""

from functools import partial

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.openai_images import EDITS, GENERATIONS, VARIATIONS
from gateway.wiring.images import images
from gateway.wiring.streaming import services

ROUTES = {
    "/v1/images/generations": OperationRoute(partial(images, GENERATIONS)),
    "/v1/images/edits": OperationRoute(partial(images, EDITS)),
    "/v1/images/variations": OperationRoute(partial(images, VARIATIONS)),
}
app = StreamingApp(services, GENERATIONS, only(ROUTES))

"""Serves OpenAI's moderations."""

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols.openai_moderations import CLIENT
from gateway.wiring.moderations import moderations
from gateway.wiring.streaming import services

app = StreamingApp(services, CLIENT, only({"/v1/moderations": OperationRoute(moderations)}))

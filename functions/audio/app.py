"""Serves speech on OpenAI's wire."""

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.speech import spoken
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import openai_speech
from gateway.wiring.audio import speech
from gateway.wiring.streaming import services

ROUTES = {"/v1/audio/speech": OperationRoute(speech, produce=spoken)}
app = StreamingApp(services, openai_speech.CLIENT, only(ROUTES))

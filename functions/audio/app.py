"""Serves speech, transcriptions and translations on OpenAI's wire."""

from functools import partial

from gateway.http.app import only
from gateway.http.audio import spoken, transcribed
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import openai_speech
from gateway.protocols.openai_transcriptions import TRANSCRIPTIONS, TRANSLATIONS
from gateway.wiring.audio import speech, transcription
from gateway.wiring.streaming import services

ROUTES = {
    "/v1/audio/speech": OperationRoute(speech, produce=spoken),
    "/v1/audio/transcriptions": OperationRoute(partial(transcription, TRANSCRIPTIONS), produce=transcribed),
    "/v1/audio/translations": OperationRoute(partial(transcription, TRANSLATIONS), produce=transcribed),
}
app = StreamingApp(services, openai_speech.CLIENT, only(ROUTES))

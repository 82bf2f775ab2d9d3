"""Serves embeddings on OpenAI's wire and on both of Cohere's."""

from functools import partial

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import cohere_embed, openai_embeddings
from gateway.wiring.embeddings import embeddings
from gateway.wiring.streaming import services

ROUTES = {
    "/v1/embeddings": OperationRoute(partial(embeddings, openai_embeddings.CLIENT)),
    "/v1/embed": OperationRoute(partial(embeddings, cohere_embed.FIRST)),
    "/v2/embed": OperationRoute(partial(embeddings, cohere_embed.CLIENT)),
}
COHERES = {"/v1/embed": cohere_embed.FIRST, "/v2/embed": cohere_embed.CLIENT}
app = StreamingApp(services, openai_embeddings.CLIENT, only(ROUTES), wires=COHERES)

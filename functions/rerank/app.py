"""Serves rerank on the gateway's own wire and on Cohere's."""

from functools import partial

from gateway.http.app import only
from gateway.http.routes import OperationRoute
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import cohere_rerank
from gateway.protocols import rerank as own
from gateway.wiring.rerank import rerank
from gateway.wiring.streaming import services

ROUTES = {
    "/v1/rerank": OperationRoute(partial(rerank, own.CLIENT)),
    "/v2/rerank": OperationRoute(partial(rerank, cohere_rerank.CLIENT)),
}
app = StreamingApp(services, own.CLIENT, only(ROUTES), wires={"/v2/rerank": cohere_rerank.CLIENT})

"""Serves accounts' conversations, with and without `/v1`."""

from gateway.http.buffered import lambda_handler
from gateway.http.conversations import served
from gateway.http.json_app import JsonApp

app = JsonApp(served)
handler = lambda_handler(app)

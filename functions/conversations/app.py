"""Serves accounts' conversations and feedback, with and without `/v1`, what their agents remember, and their cache."""

from gateway.http.buffered import lambda_handler
from gateway.http.cache import served as cached
from gateway.http.conversations import served
from gateway.http.feedback import served as rated
from gateway.http.json_app import JsonApp
from gateway.http.memory import served as remembered

app = JsonApp(served, remembered, rated, cached)
handler = lambda_handler(app)

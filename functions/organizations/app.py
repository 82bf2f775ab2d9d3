"""Serves organizations to their members."""

from gateway.http.buffered import lambda_handler
from gateway.http.json_app import JsonApp
from gateway.http.organizations import served

app = JsonApp(served)
handler = lambda_handler(app)

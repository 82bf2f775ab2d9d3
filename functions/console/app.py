"""Serves the console: pages for people, made of what the API's functions answer to their session."""

from pathlib import Path

from gateway.console.app import ConsoleApp
from gateway.console.pages import PAGES
from gateway.http.buffered import lambda_handler
from gateway.wiring.console import clock, families

app = ConsoleApp(Path(__file__).parent, PAGES, families, clock)
handler = lambda_handler(app)

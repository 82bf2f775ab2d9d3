"""Serves runs of agents: begun and waited for, or followed step by step."""

from gateway.http.agents import WIRE, AgentsFamily, AgentsRoutes, read_run_body, read_task_body
from gateway.http.streaming_app import StreamingApp
from gateway.wiring.agents import runs, specified
from gateway.wiring.streaming import services

app = StreamingApp(services, WIRE, AgentsRoutes(AgentsFamily(runs, read_run_body, read_task_body, specified)))

"""Serves tasks: begun, listed, read, confirmed and cancelled. Runs of agents are read and cancelled here too."""

from gateway.http.agents import WIRE, AgentsFamily, TasksRoutes, read_run_body, read_task_body
from gateway.http.streaming_app import StreamingApp
from gateway.wiring.agents import runs, specified
from gateway.wiring.streaming import services

app = StreamingApp(services, WIRE, TasksRoutes(AgentsFamily(runs, read_run_body, read_task_body, specified)))

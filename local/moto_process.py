"""moto's server in a process of its own, on the socket it is given as standard input, with its state kept in a folder.

Started by aws_services.py. SIGTERM saves and ends it.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local import step_functions
from local.moto_store import DynamoItems, S3Objects

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAVE_EVERY_S = 1.0
CREATE_TABLE = "DynamoDB_20120810.CreateTable"


class Kept:
    """moto's app, DynamoDB's requests one at a time; what changed is saved soon after, objects before the answer.

    moto's DynamoDB loses concurrent writes: of 2,000 concurrent ADDs it kept 1,996.
    """

    def __init__(self, app: "WSGIApplication", folder: Path) -> None:
        self._app = app
        self._objects = S3Objects(folder / "s3")
        self._items = DynamoItems(folder / "dynamodb-moto")
        self._dynamodb = threading.Lock()
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._objects.restore()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith("DynamoDB_"):
            answer = self._app(environ, start_response)
            # S3 is the only one of the others that outlives the process, and the only one that names no target.
            if not target and environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
                self._objects.save()
            return answer
        with self._dynamodb:
            answer = list(self._app(environ, start_response))
            if target == CREATE_TABLE:
                description = orjson.loads(b"".join(answer)).get("TableDescription")
                if description:
                    self._items.restore_table(description["TableName"])
        self._changed.set()
        return answer

    def save_on_change(self) -> None:
        """Runs until `end`: saves at most once a period, and only after a change."""
        while not self._ended.wait(SAVE_EVERY_S):
            if self._changed.is_set():
                self._changed.clear()
                self.save()

    def save(self) -> None:
        with self._dynamodb:
            self._items.save()

    def end(self) -> None:
        self._ended.set()


def main() -> None:
    """The arguments are the folder that keeps the state, and where functions are invoked."""
    # File descriptor 0 is a listening socket here; see children.py.
    listener = socket.socket(fileno=os.dup(0))
    host, port = listener.getsockname()
    # moto's Step Functions call moto's other services at this port.
    os.environ["MOTO_PORT"] = str(port)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    if sys.argv[2]:
        step_functions.adapt(step_functions.invoker(sys.argv[2]))
        step_functions.remember_parsed()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    kept = Kept(DomainDispatcherApplication(create_backend_app), Path(sys.argv[1]))
    server = make_server(host, port, kept, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
    saver = threading.Thread(target=kept.save_on_change)
    saver.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    kept.end()
    saver.join()
    kept.save()


if __name__ == "__main__":
    main()

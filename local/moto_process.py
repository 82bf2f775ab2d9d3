"""Runs moto's server as a process on the socket it is given as standard input, and keeps its state in a folder.

Started by aws_services.py. SIGTERM saves the state and ends the process.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local import mail, s3_listing, step_functions
from local.moto_store import DynamoItems, KmsKeys, S3Objects
from local.private_path import S3_ONLY, Guarded
from local.s3_listing import Listing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAVE_EVERY_S = 1.0
CREATE_TABLE = "DynamoDB_20120810.CreateTable"


class Dispatcher(DomainDispatcherApplication):
    """moto's choice of a service by the request's signature, unless the request is for S3 in any case."""

    def get_application(self, environ: "WSGIEnvironment") -> Any:
        if S3_ONLY not in environ:
            return super().get_application(environ)
        with self.lock:
            return self.app_instances.setdefault("s3", self.app_instances.get("s3") or create_backend_app("s3"))


class PersistentMoto:
    """moto's app with its state saved to disk: S3 objects before the answer, other changes soon after it.

    DynamoDB's requests run one at a time, because moto loses concurrent writes: of 2,000 concurrent ADDs it kept 1,996.
    """

    def __init__(self, app: "WSGIApplication", folder: Path) -> None:
        self._app = app
        self._objects = S3Objects(folder / "s3")
        self._items = DynamoItems(folder / "dynamodb-moto")
        self._dynamodb = threading.Lock()
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._objects.restore()
        KmsKeys(folder / "kms").adapt()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith("DynamoDB_"):
            answer = self._app(environ, start_response)
            # S3 is the only other service whose state is saved, and the only one whose requests have no target header.
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
        """Saves after changes, at most once per period, until `end`."""
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
    """Starts the server. The argument is the folder that keeps the state; `LAMBDA_URL` invokes functions."""
    # File descriptor 0 is a listening socket here; see children.py.
    listener = socket.socket(fileno=os.dup(0))
    host, port = listener.getsockname()
    # moto's Step Functions call moto's other services at this port.
    os.environ["MOTO_PORT"] = str(port)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    if os.environ["LAMBDA_URL"]:
        step_functions.adapt(step_functions.invoker(os.environ["LAMBDA_URL"]))
        step_functions.remember_parsed()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    data = Path(sys.argv[1])
    moto = PersistentMoto(Listing(Dispatcher(create_backend_app), data / s3_listing.FILE), data)
    # The environment, unlike arguments, is not shown to every user of the machine.
    guarded = Guarded(mail.Mailbox(moto, data / mail.FILE), os.environ["PRIVATE_PATH"])
    server = make_server(host, port, guarded, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
    saver = threading.Thread(target=moto.save_on_change)
    saver.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    moto.end()
    saver.join()
    moto.save()


if __name__ == "__main__":
    main()

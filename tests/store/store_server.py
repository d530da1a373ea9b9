"""A stand-in for a ClickHouse server: the endpoint with writes allowed, in a process of its own. Prints its port."""

from __future__ import annotations

import socket
import sys

import uvicorn

from spancost.store.asking import Identity
from spancost.store.endpoint import endpoint_app

if __name__ == "__main__":
    app = endpoint_app(sys.argv[1], "spancost", credentials=Identity("tester", "p@ss"), cores=2, allow_writes=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])

"""An HTTP server with a thread and an event loop of its own, for any ASGI application."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 2048


class HttpServer:
    """A bound server for one application. `port` is the one taken; nothing is answered before `start`."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Bind and listen; port 0 takes a free one. Raises OSError when it cannot be had."""
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_keep_alive=60
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name=f"http-{self.port}", daemon=True)
        self._started: Future[None] = Future()

    def start(self) -> None:
        """Answer requests; returns when the server does. Raises what kept it from starting."""
        self._thread.start()
        self._started.result()

    def stop(self, grace: float) -> None:
        """Take no more requests, give those that run `grace` seconds to end, and return when the server is down."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        serving = asyncio.ensure_future(self._server.serve(sockets=[self._socket]))
        while not (self._server.started or serving.done()):
            await asyncio.sleep(0.005)
        if self._server.started:
            self._started.set_result(None)
        await serving
        if not self._started.done():
            raise RuntimeError("the HTTP server ended before it had started")


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket. The port is not shared: a second process gets an error, not half the requests."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound

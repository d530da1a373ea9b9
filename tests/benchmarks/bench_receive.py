"""What receiving costs: CPU microseconds a span, by stage and from socket to durable.

    python tests/benchmarks/bench_receive.py [--seconds 5] [--inflight 8] [--spans 512] [--payload FILE]

The payload is one request of spans with 20 attributes each (or the bytes of a file, --spans telling how many it holds).
Every send changes one id, so that none is taken for a re-send. The server is a process of its own: gRPC or HTTP, scan,
spool with fdatasync, and a reader that commits at once. Its CPU is user and system time of all threads, without the
client's.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import grpc
import xxhash
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancost.receive.grpc_server import GrpcServer
from spancost.receive.http_server import HttpServer
from spancost.receive.intake import Intake
from spancost.receive.observe import Unobserved
from spancost.receive.otlp_http import otlp_app
from spancost.receive.scan import count_spans
from spancost.receive.service import Service
from spancost.spool import Spool
from spancost.spool.record import crc32c

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ATTRIBUTES = 20


@dataclass(frozen=True, slots=True)
class Payload:
    """A request, how many spans it holds, and where its first trace id lies."""

    body: bytes
    spans: int
    id_at: int

    def fresh(self, number: int) -> bytes:
        """The request with another first id."""
        return self.body[: self.id_at] + number.to_bytes(8, "big") + self.body[self.id_at + 8 :]


def make_payload(spans: int) -> Payload:
    rnd = random.Random(1)  # noqa: S311 - the same payload every time
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for _ in range(spans):
        span = scope.spans.add(
            trace_id=rnd.randbytes(16), span_id=rnd.randbytes(8), parent_span_id=rnd.randbytes(8), name="chat gpt-4o",
            start_time_unix_nano=rnd.getrandbits(60), end_time_unix_nano=rnd.getrandbits(60),
        )  # fmt: skip
        for n in range(ATTRIBUTES):
            span.attributes.add(key=f"gen_ai.some.attribute.{n:02}").value.string_value = rnd.randbytes(6).hex()
    first = scope.spans[0].trace_id
    body = request.SerializeToString()
    return Payload(body, spans, body.index(first))


def load_payload(path: Path, spans: int) -> Payload:
    body = path.read_bytes()
    first = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0].trace_id
    return Payload(body, spans, body.index(first))


def stage(name: str, work: Callable[[int], object], payload: Payload, seconds: float, threads: int = 1) -> None:
    numbers = itertools.count(1)
    deadline = time.monotonic() + seconds

    def loop() -> None:
        while time.monotonic() < deadline:
            work(next(numbers))

    before = time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(loop) for _ in range(threads)]:
            done.result()
    used = time.process_time() - before
    report(name, used, (next(numbers) - 1) * payload.spans, seconds)


def report(name: str, cpu: float, spans: int, wall: float) -> None:
    print(f"{name:44} {cpu / spans * 1e6:7.3f} us/span {spans / wall:12,.0f} spans/s", flush=True)


def stages(payload: Payload, seconds: float) -> None:
    stage("(copying the request, in all below)", payload.fresh, payload, seconds)
    stage("scan for ids", lambda n: count_spans(payload.fresh(n)), payload, seconds)
    stage("xxh3-128 and CRC32C", lambda n: (xxhash.xxh3_128_digest(b := payload.fresh(n)), crc32c(b)), payload, seconds)
    for threads in (1, 8):
        with tempfile.TemporaryDirectory() as directory:
            spool = Spool(Path(directory), quota_bytes=1 << 30)
            reader = threading.Thread(target=read_all, args=(spool,))
            reader.start()
            name = f"spool: append, fdatasync, read; {threads} threads"
            stage(name, lambda n, spool=spool: spool.append(payload.fresh(n)), payload, seconds, threads)
            spool.close()
            reader.join()


def read_all(spool: Spool) -> None:
    while records := spool.read(16 << 20, 60):
        spool.commit(records[-1].position)


def serve(directory: str, pipe: Connection) -> None:
    spool = Spool(Path(directory), quota_bytes=1 << 30)
    service = Service(Intake(spool.append).accept, Unobserved())
    grpc_server = GrpcServer("127.0.0.1:0", service)
    http_server = HttpServer(otlp_app(service), "127.0.0.1", 0)
    grpc_server.start()
    http_server.start()
    threading.Thread(target=read_all, args=(spool,), daemon=True).start()
    pipe.send((grpc_server.port, http_server.port))
    while pipe.recv():
        used = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send((used.ru_utime + used.ru_stime, used.ru_maxrss))
    os._exit(0)


def sender_grpc(port: int) -> Callable[[bytes], None]:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    export = channel.unary_unary(TRACES)

    def send(body: bytes) -> None:
        export(body, timeout=30)

    return send


def sender_http(port: int) -> Callable[[bytes], None]:
    local = threading.local()

    def send(body: bytes) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        local.connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        response = local.connection.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"status {response.status}")

    return send


def drive(
    name: str, send: Callable[[bytes], None], payload: Payload, args: argparse.Namespace, pipe: Connection
) -> None:
    numbers = itertools.count(time.time_ns())
    sent = itertools.count()
    deadline = time.monotonic() + args.seconds

    def loop() -> None:
        while time.monotonic() < deadline:
            send(payload.fresh(next(numbers)))
            next(sent)

    pipe.send(True)
    before, _ = pipe.recv()
    started = time.monotonic()
    with ThreadPoolExecutor(args.inflight) as pool:
        for done in [pool.submit(loop) for _ in range(args.inflight)]:
            done.result()
    wall = time.monotonic() - started
    pipe.send(True)
    after, peak = pipe.recv()
    report(f"{name} (peak {peak // 1024} MB)", after - before, next(sent) * payload.spans, wall)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--inflight", type=int, default=8)
    parser.add_argument("--spans", type=int, default=512)
    parser.add_argument("--payload", type=Path)
    args = parser.parse_args()
    payload = load_payload(args.payload, args.spans) if args.payload else make_payload(args.spans)
    print(f"{payload.spans} spans, {len(payload.body):,} bytes a request")
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(directory, theirs))
        server.start()
        grpc_port, http_port = ours.recv()
        drive("gRPC, socket to durable", sender_grpc(grpc_port), payload, args, ours)
        drive("HTTP, socket to durable", sender_http(http_port), payload, args, ours)
        ours.send(False)
        server.join()
    stages(payload, args.seconds / 5)


if __name__ == "__main__":
    main()

"""`make bench`: what the collector costs per span, by stage, with the engine and without it.

Starts the collector on one core, the load generator on the other, and reads the server's CPU time from /proc, so that
clients are not counted. Needs `loadgen.py`, looked for beside the checkout (`../shared/bench`) or named with
`--loadgen`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FREE_PORTS = {
    f"SPANCOST_{name}__ENDPOINT": "127.0.0.1:0"
    for name in ("RECEIVE__GRPC", "RECEIVE__HTTP", "ADMIN", "CLICKHOUSE_HTTP")
}
COLUMNS = ("spans/s", "all", "admit", "write", "other", "rows/span", "RSS MB", "p99 ms")
HZ = os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loadgen", type=Path, default=ROOT.parent / "shared" / "bench" / "loadgen.py")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=20_000, help="spans/s offered; 0: as fast as answers come")
    parser.add_argument("--shape", choices=("flat", "agents", "both"), default="both")
    parser.add_argument("--engine", choices=("with", "without", "both"), default="both")
    options = parser.parse_args()
    if not options.loadgen.exists():
        sys.exit(f"no load generator at {options.loadgen}; name one with --loadgen")
    print("us of CPU per span, from socket to stored; server on core 0, client on core 1")
    print(f"{'shape':8}{'engine':9}" + "".join(f"{name:>11}" for name in COLUMNS))
    for shape in ("flat", "agents") if options.shape == "both" else (options.shape,):
        for engine in ("without", "with") if options.engine == "both" else (options.engine,):
            print(_row(shape, engine, _measure(options, shape, engine)), flush=True)


def _measure(options, shape, engine):
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["taskset", "-c", "0", sys.executable, "-m", "tests.benchmarks.server", engine, folder],
            env=os.environ | FREE_PORTS,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=(Path(folder) / "log").open("w"),
        )
        try:
            endpoints = _endpoints(Path(folder) / "endpoints.json")
            before, cpu = _metrics(endpoints), _cpu(server.pid)
            load = _load(options, shape, endpoints, server.pid)
            sent = _settled(endpoints, before)
            after = _metrics(endpoints)
            return load, before, after, _cpu(server.pid) - cpu, sent
        finally:
            server.terminate()
            server.wait()


def _load(options, shape, endpoints, pid):
    command = [sys.executable, str(options.loadgen), "--endpoint", endpoints["receive.grpc"], "--shape", shape]
    command += [
        "--seconds",
        str(options.seconds),
        "--rate",
        str(options.rate),
        "--server-pid",
        str(pid),
        "--client-cpus",
        "1",
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _settled(endpoints, before):
    """Wait until everything that was accepted is stored; how many spans that was."""
    while True:
        now = _metrics(endpoints)
        accepted = now["receiver_accepted_spans"] - before.get("receiver_accepted_spans", 0)
        if accepted and now.get("exporter_sent_spans", 0) - before.get("exporter_sent_spans", 0) >= accepted:
            time.sleep(6)
            return accepted
        time.sleep(0.5)


def _row(shape, engine, measured):
    load, before, after, cpu, sent = measured
    grew = {key: after[key] - before.get(key, 0) for key in after}
    stages = {stage: grew.get(f"processor_cpu_seconds/{stage}", 0) / sent * 1e6 for stage in ("admit", "write")}
    rows = sum(value for key, value in grew.items() if key.startswith("exporter_sent_rows")) / sent
    whole = cpu / sent * 1e6
    rss = after["process_memory_rss_bytes"] / 1e6
    other, p99 = whole - sum(stages.values()), load["lat_ms"]["p99"]
    seen = (load["spans_per_s"], whole, *stages.values(), other, rows, rss, p99)
    return f"{shape:8}{engine:9}" + "".join(f"{value:11.1f}" for value in seen)


def _metrics(endpoints):
    """Sums by metric name without prefix and `_total`; processors and tables apart."""
    with urllib.request.urlopen(f"http://{endpoints['admin']}/metrics") as answer:
        text = answer.read().decode()
    found = {}
    for line in text.splitlines():
        if line.startswith("spancost_"):
            name, value = line.rsplit(" ", 1)
            name, _, labels = name.removeprefix("spancost_").partition("{")
            key = name.removesuffix("_total")
            if "processor=" in labels or "table=" in labels:
                key += "/" + labels.split('="')[1].split('"')[0]
            found[key] = found.get(key, 0) + float(value)
    return found


def _endpoints(path):
    while not path.exists():
        time.sleep(0.05)
    return json.loads(path.read_text())


def _cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


if __name__ == "__main__":
    main()

"""The collector as `make bench` measures it: `python -m tests.benchmarks.server with|without DATA_DIR`."""

import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from spancost.build import start
from spancost.config import load_config
from spancost.logs import configure_logs


class NoEngine:
    """A ledger that stores nothing: what is left is the cost of everything else."""

    def __init__(self):
        self._schema = pa.schema([])

    def write_spans(self, rows):
        self._schema = rows.schema

    def write_tasks(self, rows):
        pass

    def stored(self, trace_ids, first_ns, last_ns, columns=()):
        empty = self._schema.empty_table()
        return empty.select([name for name in columns or empty.column_names if name in empty.column_names])

    def recent(self, since_ns, limit, columns):
        return pa.table({})

    def hours(self):
        return frozenset()

    def recent_tasks(self, since_ns, limit):
        return pa.table({"task_id": pa.array([], pa.string())})

    def task_traces(self, task_ids):
        return pa.table({"task_id": [], "trace_id": [], "first": [], "last": []})

    def billed_twice(self, first_ns, last_ns):
        return []


def main(engine, folder):
    configure_logs(level="WARNING")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    config = load_config(None, os.environ, data_dir=Path(folder))
    with ExitStack() as stack:
        start(config, stack, None if engine == "with" else NoEngine())
        stopped.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])

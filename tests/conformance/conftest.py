"""The whole pipeline, from requests to the rows of the ledger, without the parts that do I/O."""

import pytest
from memory_ledger import MemoryLedger

from spancost.attribute.window import Window
from spancost.normalise.dialects import load_conventions
from spancost.pipeline import Pipeline
from spancost.price.book import load_book
from spancost.price.pricer import make_pricer

NOW_NS = 1_795_400_000_000_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture(scope="session")
def process():
    """`process(requests)`: the rows that a list of requests gives, each request taken in and written by itself."""
    conventions = load_conventions()
    pricer = make_pricer(load_book())
    detail = {dialect.name: dialect.detail for dialect in conventions.dialects}

    def run(requests):
        ledger = MemoryLedger()
        window = Window(max_spans=1_000_000, max_age_ns=900 * SECOND_NS, detail=detail)
        pipeline = Pipeline(conventions, pricer, window, ledger, b"key" * 8, settle_ns=SECOND_NS)
        for position, request in enumerate(requests):
            now = NOW_NS + position * 2 * SECOND_NS
            pipeline.take([request], position, now)
            pipeline.flush(now + SECOND_NS)
        end = NOW_NS + len(requests) * 2 * SECOND_NS
        pipeline.sweep(end)
        pipeline.flush(end, everything=True)
        return ledger.spans()

    return run

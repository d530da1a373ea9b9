"""A small month, made once and sent nowhere."""

from __future__ import annotations

import pytest
from demo_months import UNTIL, Month, read

from spancost.demo.encode import requests
from spancost.demo.ledger import Ledger
from spancost.demo.manifest import make_manifest
from spancost.demo.plan import make_plan
from spancost.demo.workload import blocks


@pytest.fixture(scope="session")
def month() -> Month:
    """Ten days with 12,000 calls."""
    plan = make_plan(3, UNTIL, days=10, calls=12_000)
    ledger, bodies = Ledger(plan), []
    for block in blocks(plan):
        ledger.add(block)
        bodies += [request.body for request in requests(block)]
    seen = [span for number, body in enumerate(bodies) for span in read(number, body)]
    return Month(plan, bodies, seen, make_manifest(plan, ledger))

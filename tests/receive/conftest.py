"""Running receivers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from receivers import Rig, make_rig, request_of

from spancost.receive.auth import Credentials
from spancost.receive.intake import Intake


@pytest.fixture(scope="module")
def servers() -> Iterator[Rig]:
    rig = make_rig()
    yield rig
    rig.http.stop(1)
    rig.grpc.stop(1)


@pytest.fixture
def rig(servers: Rig) -> Rig:
    """The servers as new: nothing counted, nothing kept, the plain intake."""
    servers.counts.counts.clear()
    servers.kept.clear()
    servers.accept = Intake(servers.kept.append).accept
    return servers


@pytest.fixture
def guarded() -> Iterator[Rig]:
    """Servers that want a token or a password."""
    rig = make_rig(Credentials(tokens=["t0ken", "other"], users=[("ann", "pässword")]))
    yield rig
    rig.http.stop(1)
    rig.grpc.stop(1)


@pytest.fixture
def good() -> bytes:
    return request_of((b"t" * 16, b"s" * 8), (b"t" * 16, b"r" * 8))

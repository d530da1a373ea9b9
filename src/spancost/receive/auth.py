"""Who may send: bearer tokens and basic authentication, from the `authorization` header or gRPC metadata."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from spancost.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is accepted: any of the bearer `tokens`, or any of the `users` as (name, password). Never printed."""

    tokens: Sequence[str] = field(default=(), repr=False)
    users: Sequence[tuple[str, str]] = field(default=(), repr=False)


def authenticate(credentials: Credentials | None, authorization: str | None) -> None:
    """Let the header's value pass, or raise Unauthenticated; without credentials everyone passes.

    Every accepted secret is compared, each in constant time, so that time tells nothing about any of them.
    """
    if credentials is None:
        return
    scheme, _, given = (authorization or "").partition(" ")
    if not _matches(given.strip(), _accepted(credentials, scheme.lower())):
        raise Unauthenticated("credentials are missing or wrong")


def _accepted(credentials: Credentials, scheme: str) -> list[str]:
    if scheme == "bearer":
        return list(credentials.tokens)
    if scheme == "basic":
        return [base64.b64encode(f"{name}:{password}".encode()).decode() for name, password in credentials.users]
    return []


def _matches(given: str, accepted: Sequence[str]) -> bool:
    results = [hmac.compare_digest(given.encode(errors="replace"), secret.encode()) for secret in accepted]
    return any(results)

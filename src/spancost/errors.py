"""What can go wrong, sorted by the one question a caller asks: would the same data fail again?

    SpancostError
    +-- ConfigError        the configuration is wrong; lists every problem
    +-- PermanentError     the same data would fail again: never retry it
    |   +-- Malformed          not a request that OTLP defines
    |   +-- TooLarge           larger than the receiver takes
    |   +-- Unsupported        an encoding or content type that is not spoken here
    |   +-- Unauthenticated    credentials missing or wrong
    +-- RetryableError     the same data may succeed later
        +-- Overloaded         no room at the moment; says when to come back
"""

from __future__ import annotations

from collections.abc import Sequence


class SpancostError(Exception):
    """The root of every error that Spancost raises on purpose."""


class ConfigError(SpancostError):
    """A configuration that cannot be started. `problems` holds one line for each, worded with the user's keys."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PermanentError(SpancostError):
    """The same data would fail again."""


class Malformed(PermanentError):
    """The request is not one that OTLP defines."""


class TooLarge(PermanentError):
    """The request is larger than the receiver takes, after decompression."""


class Unsupported(PermanentError):
    """The request's content type or encoding is not spoken here."""


class Unauthenticated(PermanentError):
    """The credentials are missing or wrong."""


class RetryableError(SpancostError):
    """The same data may succeed later."""


class Overloaded(RetryableError):
    """No room at the moment. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)

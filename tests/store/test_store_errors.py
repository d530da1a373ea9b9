"""Every error that the ClickHouse client can raise is one of ours when it leaves the store."""

from __future__ import annotations

import inspect

import pytest
from clickhouse_connect.driver import exceptions

from spancost.errors import PermanentError, RetryableError
from spancost.store.errors import PERMANENT_CODES, StoreError, StoreRejected, sorted_error, translated

_RAISED = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, Exception)
    and kind.__module__ == exceptions.__name__
    # An internal end mark, and warnings, which nobody raises.
    and kind.__name__ not in ("StreamCompleteException", "Warning")
]


@pytest.mark.parametrize("kind", _RAISED)
def test_no_error_of_the_client_leaves_untranslated(kind: type[Exception]) -> None:
    """Whatever class the client raises, its callers see a StoreError."""
    with pytest.raises(StoreError), translated():
        raise kind.__new__(kind, "x")


@pytest.mark.parametrize("code", sorted(PERMANENT_CODES))
def test_codes_of_bad_data_and_bad_sql_are_permanent(code: int) -> None:
    """Codes that the same data would get again are never retried."""
    error = sorted_error("x", code)

    assert (isinstance(error, StoreRejected), isinstance(error, PermanentError), error.code) == (True, True, code)


@pytest.mark.parametrize("code", [159, 164, 202, 209, 210, 241, 242, 252, 319, 425, 516, 999, 4711, None])
def test_every_other_code_and_silence_are_worth_another_try(code: int | None) -> None:
    """What is not known to be hopeless is retried, so no acknowledged span is given up on a guess."""
    error = sorted_error("x", code)

    assert (isinstance(error, StoreError), isinstance(error, RetryableError), error.code) == (True, True, code)


def test_a_broken_connection_is_worth_another_try() -> None:
    """Errors of the network keep their text and have no code."""
    with pytest.raises(StoreError, match="no usable answer from ClickHouse: reset") as caught, translated():
        raise ConnectionResetError("reset")

    assert caught.value.code is None

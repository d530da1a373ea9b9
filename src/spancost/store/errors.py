"""What ClickHouse answers, sorted by the one question: would the same data fail again?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from spancost.errors import PermanentError, RetryableError

PERMANENT_CODES = frozenset({
    6,    # CANNOT_PARSE_TEXT
    16,   # NO_SUCH_COLUMN_IN_TABLE
    20,   # NUMBER_OF_COLUMNS_DOESNT_MATCH
    26,   # CANNOT_PARSE_QUOTED_STRING
    27,   # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,   # CANNOT_READ_ALL_DATA
    36,   # BAD_ARGUMENTS
    38,   # CANNOT_PARSE_DATE
    41,   # CANNOT_PARSE_DATETIME
    42,   # NUMBER_OF_ARGUMENTS_DOESNT_MATCH
    43,   # ILLEGAL_TYPE_OF_ARGUMENT
    44,   # ILLEGAL_COLUMN
    46,   # UNKNOWN_FUNCTION
    47,   # UNKNOWN_IDENTIFIER
    50,   # UNKNOWN_TYPE
    53,   # TYPE_MISMATCH
    60,   # UNKNOWN_TABLE
    62,   # SYNTAX_ERROR
    69,   # ARGUMENT_OUT_OF_BOUND
    70,   # CANNOT_CONVERT_TYPE
    72,   # CANNOT_PARSE_NUMBER
    73,   # UNKNOWN_FORMAT
    115,  # UNKNOWN_SETTING
    117,  # INCORRECT_DATA
    131,  # TOO_LARGE_STRING_SIZE
    349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    407,  # DECIMAL_OVERFLOW
    456,  # UNKNOWN_QUERY_PARAMETER
})  # fmt: skip
"""The statement or the data is at fault. Every other code, and no answer at all, is worth another try: among them
timeouts (159, 209), limits (202, 241, 252), the network (210), read-only moments (164, 242), and lost keepers (999)."""


class StoreError(RetryableError):
    """ClickHouse could not do it now, or did not answer. `code` is ClickHouse's, None when there was no answer."""

    def __init__(self, message: str, code: int | None = None) -> None:
        self.code = code
        super().__init__(message)


class StoreRejected(PermanentError):
    """ClickHouse would refuse the same statement or data again. `code` is ClickHouse's."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class MigrationRefused(PermanentError):
    """The database and the shipped migrations tell different stories; nothing was changed."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn whatever the ClickHouse client raises into `StoreError` or `StoreRejected`."""
    try:
        yield
    except ClickHouseError as error:
        raise sorted_error(str(error), getattr(error, "code", None)) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"no usable answer from ClickHouse: {error}") from error


def sorted_error(message: str, code: int | None) -> StoreError | StoreRejected:
    """The error that an answer of ClickHouse stands for."""
    if code in PERMANENT_CODES:
        return StoreRejected(message, code)
    return StoreError(message, code)


def in_short(error: BaseException) -> str:
    """What is at the bottom of an error, on one line: `Connection refused`, not the three libraries above it."""
    bottom = error
    while cause := bottom.__cause__ or bottom.__context__:
        bottom = cause
    told = bottom.strerror if isinstance(bottom, OSError) and bottom.strerror else str(bottom)
    return " ".join(told.split())[:_SHORT] or type(bottom).__name__


_SHORT = 300

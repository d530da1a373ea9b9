"""Strings and small structures as int32 codes, shared by all batches of a window."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np

from spancost.model import Coded, Int32

T = TypeVar("T", bound=Hashable)


class Vocabulary(Generic[T]):
    """Distinct values and their codes, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._codes: dict[T, int] = {}
        self.values: list[T] = []

    def code(self, value: T) -> int:
        """The code of a value, new if it must be."""
        code = self._codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code

    def compact(self, columns: list[Int32]) -> None:
        """Drop the values that no column uses, and rewrite the columns in place."""
        used = np.unique(np.concatenate([np.zeros(0, np.int32), *(np.unique(column) for column in columns)]))
        used = used[used >= 0]
        lut = np.full(len(self.values) + 1, -1, np.int32)
        lut[used] = np.arange(len(used))
        for column in columns:
            column[:] = lut[column]
        self.values = [self.values[code] for code in used.tolist()]
        self._codes = {value: code for code, value in enumerate(self.values)}

    def __len__(self) -> int:
        return len(self.values)


def recode(column: Coded, vocabulary: Vocabulary[str]) -> Int32:
    """A batch's string column in the codes of a vocabulary."""
    used = np.unique(column.codes)
    lut = np.full(len(column.values) + 1, -1, np.int32)
    for code in used.tolist():
        if code >= 0 and column.values[code]:
            lut[code] = vocabulary.code(column.values[code])
    return lut[column.codes]

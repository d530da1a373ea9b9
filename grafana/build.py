"""Writes `dashboards/*.json` from `source/` and `queries/`. `python grafana/build.py --check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from source.overview import overview

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"


def main(arguments: list[str]) -> int:
    """Exit code 1 when `--check` finds a file that is not what would be written."""
    texts = {f"{board['uid']}.json": json.dumps(board, indent=2) + "\n" for board in (overview(),)}
    if "--check" not in arguments:
        for name, text in texts.items():
            (DASHBOARDS / name).write_text(text, encoding="utf-8")
        return 0
    there = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    stale = sorted(name for name in {*texts, *there} if texts.get(name) != there.get(name))
    for name in stale:
        print(f"dashboards/{name} is not what the source says; run python grafana/build.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Environments of the live apps, built on demand and kept in `.venv-live/` of the checkout."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

REQUIREMENTS = Path(__file__).parent / "environments"
HOME = Path(__file__).parents[3] / ".venv-live"


class Environment(NamedTuple):
    """What runs an app: the interpreter, and the environment variables it needs."""

    interpreter: str
    settings: dict[str, str]


def names() -> list[str]:
    """Python environments are files of pinned requirements, Node's are folders, left out where npm is missing."""
    files = sorted(REQUIREMENTS.iterdir())
    return [file.stem for file in files if file.suffix == ".txt" or (file.is_dir() and shutil.which("npm"))]


def environment(name: str) -> Environment:
    """An environment that holds exactly what its requirements say.

    Takes half a minute the first time and after a change of them. Safe to call from several processes.
    """
    HOME.mkdir(exist_ok=True)
    (HOME / ".gitignore").write_text("*\n")
    with (HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (REQUIREMENTS / name).is_dir():
            return _node(REQUIREMENTS / name, HOME / name)
        return _python(REQUIREMENTS / f"{name}.txt", HOME / name)


def _python(requirements: Path, directory: Path) -> Environment:
    python, stamp = directory / "bin" / "python", directory / "built-from"
    wanted = _digest(requirements.read_bytes() + sys.version.encode())
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", directory)
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
        stamp.write_text(wanted)
    return Environment(str(python), {})


def _node(requirements: Path, directory: Path) -> Environment:
    stamp = directory / "built-from"
    wanted = _digest((requirements / "package-lock.json").read_bytes())
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.copytree(requirements, directory, dirs_exist_ok=True)
        _run("npm", "ci", "--prefix", directory, "--no-audit", "--no-fund", "--loglevel=error")
        stamp.write_text(wanted)
    return Environment("node", {"NODE_PATH": str(directory / "node_modules")})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stderr[-4000:]}")

"""README.md does what it says: its program is run, its commands are tried, its queries give what it shows."""

import re
import shutil
import subprocess
import sys
import time
from decimal import Decimal

import pytest
from pages import ask, blocks_of, lines_on_a_terminal, links_of, run, settings_for

from spancost.client import status
from spancost.runtime import local_token

DIALECTS = {
    "OpenTelemetry gen_ai": "otel_genai",
    "OpenInference": "openinference",
    "OpenLLMetry": "openllmetry",
    "Vercel AI SDK": "vercel_ai_sdk",
    "Anthropic's own SDK": "anthropic_sdk",
}


@pytest.fixture(scope="module")
def page(root):
    return (root / "README.md").read_text()


@pytest.fixture(scope="module")
def told(page, collector):
    """The collector, after the page's program has run against it and its call and its task are stored."""
    (program,) = (block.text for block in blocks_of(page) if block.language == "python")
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=settings_for(collector), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    collector.eventually("SELECT toInt32(sum(calls)) AS calls FROM spancost.tasks", [{"calls": 1}])
    return collector


@pytest.fixture(scope="module")
def shown(page, told):
    """For each console block what it shows, and what its command prints."""
    settings = settings_for(told)
    examples = [block.command_and_output for block in blocks_of(page) if block.language == "console"]
    return [(output, lines_on_a_terminal(words, settings)) for words, output in examples]


def test_the_page_is_short(page):
    """A reader is through with it in five minutes: 120 lines at most."""
    assert len(page.splitlines()) <= 120


def test_every_block_is_of_a_kind_that_is_tested(page):
    """Shell, Python and console blocks are run below; the only other block is the picture."""
    languages = [block.language for block in blocks_of(page)]

    assert set(languages) == {"text", "sh", "python", "console"}
    assert languages.count("text") == 1


def test_the_picture_names_the_stages(page, root):
    """Each step of the path is a package of the source, in its order."""
    picture = blocks_of(page)[0].text
    stages = re.findall(r"\b(\w+) ->", picture)

    assert stages == ["receive", "spool", "decode", "normalise", "price", "attribute"]
    assert all((root / "src" / "spancost" / stage).is_dir() for stage in stages)


def test_the_first_span_costs_half_a_cent(told):
    """600 x 2.50 + 400 x 1.25 + 300 x 10.00 = 5,000 per million tokens: 0.005 USD."""
    assert told.query("SELECT cost FROM spancost.calls") == [{"cost": Decimal("0.005")}]


def test_the_queries_print_what_the_page_shows(shown):
    """What a terminal shows is on the page, to the letter."""
    assert len(shown) == 3
    assert [expected for expected, _ in shown] == [printed for _, printed in shown]


def test_the_commands_work(page, shown, told, root):
    """Each command of the shell blocks is one that this test knows how to try, and does what it is for."""
    tried = []
    for block in blocks_of(page):
        if block.language == "sh":
            for words in block.commands:
                _TRIALS[" ".join(words[:2])](words, told, root)
                tried.append(" ".join(words[:2]))

    assert sorted(tried) == sorted(_TRIALS)


def test_the_demo_leaves_the_tables_empty_that_the_page_calls_empty(page, told):
    """What is not there yet is really not there: when one of these tables is filled, the page must say so."""
    told_empty = re.search(r"The tables ([^.]*) are empty", page.replace("\n", " "))
    assert told_empty is not None
    tables = re.findall(r"`(\w+)`", told_empty[1])

    assert tables
    assert [name for name in tables if ask(told, f"SELECT * FROM {name} LIMIT 1")] == []


def test_every_dialect_is_named(page, root):
    """The page lists the tracers that are read, all of them and no others."""
    files = {file.stem for file in (root / "conventions" / "dialects").glob("*.yaml")}

    assert files == set(DIALECTS.values())
    assert all(name in " ".join(page.split()) for name in DIALECTS)


def test_links_lead_somewhere(page, root):
    """Every file that the page sends its reader to is there."""
    links = links_of(page)

    assert links
    assert [link for link in links if not (root / link).is_file()] == []


def _try_make(words, _collector, root):
    command = [str(shutil.which(words[0])), "--dry-run", *words[1:]]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def _try_activate(words, _collector, root):
    made_in = re.search(r"^VENV := (.*)$", (root / "Makefile").read_text(), re.MULTILINE)

    assert made_in is not None
    assert words[1] == f"{made_in[1]}/bin/activate"


def _try_install(words, _collector, root):
    *_, constraints, package = words

    assert f"\n{package}==" in (root / constraints).read_text()


def _try_demo(words, collector, _root):
    run([*words, "--calls", "3000"], settings_for(collector))
    six = [{"teams": 6}]

    assert (
        collector.eventually("SELECT toInt32(uniq(team)) AS teams FROM spancost.calls WHERE team != 'travel'", six)
        == six
    )


def _try_tail(words, collector, _root):
    """It runs until it is left: somebody watches, then nobody."""
    admin, token = collector.endpoints["admin"], local_token(collector.data_dir)
    command = [sys.executable, "-m", "spancost.cli", *words[1:]]
    with subprocess.Popen(command, env=settings_for(collector), stdout=subprocess.DEVNULL) as tail:
        while not status(admin, token)["watchers"]:
            assert tail.poll() is None
            time.sleep(0.05)
        tail.terminate()


def _try_price(words, collector, _root):
    assert "priced" in run(words, settings_for(collector))


_TRIALS = {
    "make up": _try_make,
    "make test": _try_make,
    "source .venv/bin/activate": _try_activate,
    "pip install": _try_install,
    "spancost demo": _try_demo,
    "spancost tail": _try_tail,
    "spancost price": _try_price,
}

"""The configuration: defaults, the file, the environment over it, and every problem at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from spancost.config import Config, load_config
from spancost.config_keys import keys
from spancost.config_values import DIMENSIONS, HostPort
from spancost.errors import ConfigError
from spancost.normalise.dialects import load_conventions


def _problems(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_config(path, environ or {})
    return list(raised.value.problems)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spancost.yaml"
    path.write_text(text)
    return path


def test_defaults_listen_on_loopback_only() -> None:
    """Without a file or variables every listener is on this machine, on the well-known ports."""
    config = load_config(None, {})

    assert {
        "receive.grpc": HostPort("127.0.0.1", 4317),
        "receive.http": HostPort("127.0.0.1", 4318),
        "admin": HostPort("127.0.0.1", 8080),
        "clickhouse_http": HostPort("127.0.0.1", 8123),
    } == config.listeners()


def test_default_store_is_in_the_data_directory() -> None:
    """The embedded engine lives under data_dir unless store.url says otherwise."""
    config = load_config(None, {"SPANCOST_DATA_DIR": "/data"})

    assert config.store_url == "chdb:///data/clickhouse"


def test_environment_wins_over_file_and_option_over_both(tmp_path: Path) -> None:
    """A variable replaces the file's value, and --data-dir replaces both."""
    path = _file(tmp_path, "data_dir: from-file\nwindow: {max_age: 1m, settle: 2s}\n")
    environ = {"SPANCOST_DATA_DIR": "from-environment", "SPANCOST_WINDOW__MAX_AGE": "1h30m"}
    config = load_config(path, environ, data_dir=Path("from-option"))

    assert config.data_dir == Path("from-option")
    assert (config.window.max_age, config.window.settle) == (timedelta(minutes=90), timedelta(seconds=2))


@pytest.mark.parametrize("text", ["", "receive:\n", "receive: {grpc: }\n", "# nothing\n"])
def test_an_empty_section_is_the_default(tmp_path: Path, text: str) -> None:
    """A file or a section without values changes nothing."""
    assert load_config(_file(tmp_path, text), {}) == Config()


def test_an_empty_variable_is_not_set() -> None:
    """Compose files pass empty variables for unset ones."""
    assert load_config(None, {"SPANCOST_RECEIVE__TOKEN": ""}).receive.token is None


def test_text_stays_text() -> None:
    """A token of digits is not turned into a number."""
    token = load_config(None, {"SPANCOST_RECEIVE__TOKEN": "0123"}).receive.token

    assert token is not None
    assert token.get_secret_value() == "0123"


def test_lists_come_from_variables_too(tmp_path: Path) -> None:
    """A list or mapping is YAML in a variable, and one dimension can be set alone."""
    path = _file(tmp_path, "attribution: {keys: {user: [app.user]}}\n")
    environ = {"SPANCOST_ATTRIBUTION__KEYS__TEAM": "[a.team, b.team]", "SPANCOST_ATTRIBUTION__TAGS": "[tier]"}
    attribution = load_config(path, environ).attribution

    assert attribution.keys == {"user": ("app.user",), "team": ("a.team", "b.team")}
    assert attribution.tags == ("tier",)


def test_one_dimension_wins_over_the_mapping_it_is_in() -> None:
    """SPANCOST_ATTRIBUTION__KEYS__TEAM adds to SPANCOST_ATTRIBUTION__KEYS and wins over it."""
    environ = {
        "SPANCOST_ATTRIBUTION__KEYS": "{team: [x], user: [y]}",
        "SPANCOST_ATTRIBUTION__KEYS__TEAM": "[z]",
    }

    assert load_config(None, environ).attribution.keys == {"team": ("z",), "user": ("y",)}


def test_every_problem_at_once_with_key_and_variable(tmp_path: Path) -> None:
    """A file with many faults gives one line for each, each with its key and variable."""
    path = _file(
        tmp_path,
        """
        receive:
          grpc: {endpoint: 0.0.0.0:4317, endpont: x}
          max_message_bytes: lots
        window: {max_age: 15}
        reporting: {timezone: Europe/Berln}
        store: {url: "mysql://u:hunter2@h/db", database: a-b}
        spool: 5
        attribution: {keys: {teem: [a]}, tags: tier}
        """,
    )
    expected = [
        ("SPANCOST_ADMIN_ENDPOINT", "did you mean SPANCOST_ADMIN__ENDPOINT?"),
        ("SPANCOST_RECIEVE__TOKEN", "did you mean SPANCOST_RECEIVE__TOKEN?"),
        ("receive.grpc.endpont", "did you mean receive.grpc.endpoint?"),
        ("receive.max_message_bytes (SPANCOST_RECEIVE__MAX_MESSAGE_BYTES)", "whole number"),
        ("spool", "section"),
        ("store.url (SPANCOST_STORE__URL)", "chdb://"),
        ("store.database (SPANCOST_STORE__DATABASE)", "letters"),
        ("window.max_age (SPANCOST_WINDOW__MAX_AGE)", "unit"),
        ("reporting.timezone (SPANCOST_REPORTING__TIMEZONE)", "did you mean Europe/Berlin?"),
        ("attribution.keys.teem (SPANCOST_ATTRIBUTION__KEYS__TEEM)", "did you mean team?"),
        ("attribution.tags (SPANCOST_ATTRIBUTION__TAGS)", "list"),
        ("receive.grpc.endpoint (SPANCOST_RECEIVE__GRPC__ENDPOINT)", "set receive.token (SPANCOST_RECEIVE__TOKEN)"),
    ]
    problems = _problems(path, {"SPANCOST_RECIEVE__TOKEN": "x", "SPANCOST_ADMIN_ENDPOINT": "x"})

    assert [problem.split(": ")[0] for problem in problems] == [start for start, _ in expected]
    assert [words in problem for problem, (_, words) in zip(problems, expected, strict=True)] == [True] * len(expected)


def test_an_unknown_section_is_named_with_the_one_meant(tmp_path: Path) -> None:
    """A misspelt section is an error, not ignored."""
    assert _problems(_file(tmp_path, "recieve: {token: x}")) == ["recieve: no such key; did you mean receive?"]


def test_variables_of_others_are_left_alone() -> None:
    """SPANCOST_ variables without two underscores are not ours unless they are a key written wrong."""
    assert load_config(None, {"SPANCOST_IMAGE_TAG": "1", "PATH": "/bin"}) == Config()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("- a\n- b\n", "write keys and values"),
        ("data_dir: a\ndata_dir: b\n", "data_dir is written twice (line 2"),
        ("? {a: 1}\n: b\n", "unhashable"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str, words: str) -> None:
    """What cannot be read as keys and values is one problem that names the file."""
    (problem,) = _problems(_file(tmp_path, text))

    assert problem.startswith(str(tmp_path / "spancost.yaml"))
    assert words in problem


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is a problem, not an empty configuration."""
    assert _problems(tmp_path / "none.yaml") == [f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"]


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """A file in another encoding is named as such."""
    path = tmp_path / "spancost.yaml"
    path.write_bytes(b"data_dir: \xff\xfe")

    assert _problems(path) == [f"{path}: is not UTF-8 text"]


@pytest.mark.parametrize(
    "text", ["4317", "localhost", ":4317", "127.0.0.1:70000", "http://127.0.0.1:4317", "::1:4317", "a b:1"]
)
def test_an_endpoint_is_host_and_port(text: str) -> None:
    """Anything but host:port is refused with an example."""
    (problem,) = _problems(None, {"SPANCOST_ADMIN__ENDPOINT": text})

    assert problem.startswith(f"admin.endpoint (SPANCOST_ADMIN__ENDPOINT): {text!r}: write host:port")


@pytest.mark.parametrize("text", ["127.0.0.1:0", "localhost:4317", "[::1]:4317", "127.1.2.3:1"])
def test_loopback_needs_no_credentials(text: str) -> None:
    """Every way to write this machine is taken, and comes out as it went in."""
    assert str(load_config(None, {"SPANCOST_ADMIN__ENDPOINT": text}).admin.endpoint) == text


@pytest.mark.parametrize(
    ("endpoint", "credential"),
    [
        ("RECEIVE__GRPC", "RECEIVE__TOKEN"),
        ("RECEIVE__HTTP", "RECEIVE__TOKEN"),
        ("ADMIN", "ADMIN__TOKEN"),
        ("CLICKHOUSE_HTTP", "CLICKHOUSE_HTTP__PASSWORD"),
    ],
)
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "collector.internal:0"])
def test_other_machines_need_credentials(endpoint: str, credential: str, address: str) -> None:
    """An endpoint that others can reach is refused without its credential and taken with it."""
    environ = {f"SPANCOST_{endpoint}__ENDPOINT": address}
    (problem,) = _problems(None, environ)

    assert f"SPANCOST_{endpoint}__ENDPOINT" in problem
    assert f"SPANCOST_{credential}" in problem
    assert load_config(None, environ | {f"SPANCOST_{credential}": "s3cret"})


def test_no_sql_endpoint_with_a_server() -> None:
    """With a server as the store nothing listens for SQL, so its address needs no credential."""
    environ = {"SPANCOST_STORE__URL": "clickhouse://h:8123", "SPANCOST_CLICKHOUSE_HTTP__ENDPOINT": "0.0.0.0:8123"}

    assert "clickhouse_http" not in load_config(None, environ).listeners()


@pytest.mark.parametrize(
    "url",
    [
        "chdb://",
        "chdb://here",
        "h:8123",
        "clickhouse://",
        "clickhouse://h:port",
        "clickhouse://h:99999",
        "http://h:8123",
    ],
)
def test_a_store_url_that_leads_nowhere(url: str) -> None:
    """A URL of another scheme, without a directory or host, or with a bad port is refused."""
    (problem,) = _problems(None, {"SPANCOST_STORE__URL": url})

    assert problem.startswith("store.url (SPANCOST_STORE__URL): ")


def test_the_database_is_named_once() -> None:
    """The URL may name the database; a different one in store.database is a contradiction."""
    environ = {"SPANCOST_STORE__URL": "clickhouses://u:p@h:8443/llm"}
    (problem,) = _problems(None, environ | {"SPANCOST_STORE__DATABASE": "other"})

    assert load_config(None, environ).database == "llm"
    assert "'llm'" in problem
    assert "'other'" in problem


def test_secrets_are_not_shown() -> None:
    """Neither a problem, nor the printed configuration, nor its repr shows a secret."""
    environ = {
        "SPANCOST_STORE__URL": "clickhouse://u:hunter2@h:8123",
        "SPANCOST_RECEIVE__TOKEN": "hunter2",
        "SPANCOST_CLICKHOUSE_HTTP__PASSWORD": "hunter2",
    }
    config = load_config(None, environ)
    problems = _problems(None, {"SPANCOST_RECEIVE__TOKEN": "hunter2 hunter2", "SPANCOST_STORE__URL": "x://u:hunter2@h"})

    assert "hunter2" not in f"{config.model_dump(mode='json')} {config.receive!r} {problems}"
    assert "hunter2" not in repr(config)


def test_the_configuration_cannot_be_changed() -> None:
    """A loaded configuration is immutable."""
    with pytest.raises(ValidationError):
        Config().data_dir = Path("elsewhere")


def test_every_key_is_documented(root: Path) -> None:
    """docs/configuration.md has a row for each key with its variable, default and description, and no other rows."""
    rows = [line for line in (root / "docs/configuration.md").read_text().splitlines() if "| `SPANCOST_" in line]
    expected = [
        f"| `{key.path}` | `{key.variable}` | {f'`{key.default}`' if key.default else 'not set'} | {key.description} |"
        for key in keys(Config)
    ]

    assert rows == expected
    assert all(key.description.endswith(".") for key in keys(Config))


def test_the_example_in_the_documentation_is_valid(root: Path, tmp_path: Path) -> None:
    """The YAML that docs/configuration.md shows loads."""
    text = (root / "docs/configuration.md").read_text()
    example = text.split("```yaml\n")[1].split("```")[0]

    assert load_config(_file(tmp_path, example), {}).attribution.tags == ("acme.customer_tier", "acme.workflow")


def test_every_dimension_has_built_in_keys() -> None:
    """The dimensions that can be configured are the ones that the conventions know."""
    assert set(load_conventions().dimensions) == set(DIMENSIONS)

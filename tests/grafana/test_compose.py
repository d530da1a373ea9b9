"""docker-compose.yml, the Dockerfile and Grafana's provisioning, as far as they can be checked without a container."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_boards import BOARDS

from spancost.config import load_config
from spancost.errors import ConfigError

Json = dict[str, Any]
SECRETS = ("SPANCOST_RECEIVE_TOKEN", "SPANCOST_SQL_PASSWORD", "SPANCOST_ADMIN_TOKEN", "GRAFANA_ADMIN_PASSWORD")


@pytest.fixture(scope="module")
def services(root: Path) -> dict[str, Json]:
    """The services of docker-compose.yml."""
    services: dict[str, Json] = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    return services


@pytest.fixture(scope="module")
def image(root: Path) -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    return dict(re.findall(r"\b(SPANCOST_\w+)=(\S+)", (root / "Dockerfile").read_text().replace("\\\n", " ")))


@pytest.fixture(scope="module")
def data_source(root: Path) -> Json:
    """The provisioned data source."""
    [source] = yaml.safe_load((root / "grafana/provisioning/datasources/spancost.yaml").read_text())["datasources"]
    return dict(source)


class TestSpancostService:
    """The collector's container."""

    def test_with_secrets_it_listens_to_everybody(self, services: dict[str, Json], image: dict[str, str]) -> None:
        """What image and service set together is a configuration that starts."""
        secrets = {name: f"secret-{name}" for name in SECRETS}
        config = load_config(None, image | _filled(services["spancost"]["environment"], secrets))
        assert not any(endpoint.is_loopback for endpoint in config.listeners().values())
        assert config.embedded
        assert str(config.data_dir) == "/data"

    def test_without_secrets_it_does_not_start(self, image: dict[str, str]) -> None:
        """The image alone is refused, and all three secrets are named."""
        with pytest.raises(ConfigError) as refusal:
            load_config(None, image)
        text = str(refusal.value)
        assert all(key in text for key in ("receive.token", "clickhouse_http.password", "admin.token"))

    def test_no_secret_has_a_default(self, services: dict[str, Json]) -> None:
        """Compose itself refuses to start while one is missing."""
        values = [value for service in services.values() for value in service["environment"].values() if "$" in value]
        assert {re.fullmatch(r"\$\{(\w+):\?see \.env\.example\}", value)[1] for value in values} == set(SECRETS)  # type: ignore[index] # no match fails the test too

    def test_the_image_runs_as_nobody_in_particular(self, root: Path, services: dict[str, Json]) -> None:
        """Not as root; its data is on a volume."""
        dockerfile = (root / "Dockerfile").read_text()
        assert re.search(r"^USER spancost$", dockerfile, re.MULTILINE)
        assert services["spancost"]["volumes"] == ["spancost-data:/data"]

    def test_what_the_image_copies_is_there(self, root: Path) -> None:
        """And it is all that the package is built from."""
        copied = re.findall(r"^COPY (.+) \S+$", (root / "Dockerfile").read_text(), re.MULTILINE)
        names = [name for line in copied for name in line.split()]
        assert {"pyproject.toml", "constraints.txt", "src", "conventions"} <= set(names)
        assert all((root / name).exists() for name in names)


def test_every_port_is_published_on_this_machine_only(services: dict[str, Json]) -> None:
    """127.0.0.1, and the ports of the documentation."""
    published = [port for service in services.values() for port in service["ports"]]
    assert sorted(published) == sorted(f"127.0.0.1:{port}:{port}" for port in (4317, 4318, 8123, 8080, 3000))


def test_images_and_plugins_are_pinned(services: dict[str, Json], board: Json) -> None:
    """To the plugin version that the dashboards are written for."""
    grafana = services["grafana"]
    assert re.fullmatch(r"grafana/grafana:\d+\.\d+\.\d+", grafana["image"])
    plugin, version = grafana["environment"]["GF_PLUGINS_PREINSTALL_SYNC"].split("@")
    for panel in board["panels"]:
        [target] = panel["targets"]
        assert (target["datasource"]["type"], target["pluginVersion"]) == (plugin, version)


def test_an_env_file_is_made_as_its_comment_says(root: Path, tmp_path: Path) -> None:
    """The commands in .env.example write every secret, each another one, for nobody else to read."""
    example = (root / ".env.example").read_text()
    commands = "\n".join(line.removeprefix("#   ") for line in example.splitlines() if line.startswith("#   "))
    (tmp_path / ".env.example").write_text(example)
    subprocess.run(["/bin/sh", "-euc", commands], cwd=tmp_path, check=True)
    made = dict(line.split("=") for line in (tmp_path / ".env").read_text().splitlines())
    assert tuple(made) == SECRETS
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


class TestProvisioning:
    """What Grafana reads at its start."""

    def test_the_data_source_is_the_one_that_the_dashboards_choose(self, data_source: Json, board: Json) -> None:
        """By its fixed uid and type, in the database of their SQL."""
        [choice] = [item for item in board["templating"]["list"] if item["type"] == "datasource"]
        assert choice["current"] == {"text": data_source["name"], "value": data_source["uid"], "selected": False}
        assert choice["query"] == data_source["type"]
        assert data_source["jsonData"]["defaultDatabase"] == "spancost"

    def test_the_data_source_reaches_the_collector(
        self, data_source: Json, services: dict[str, Json], image: dict[str, str]
    ) -> None:
        """Every variable it names is set for Grafana: the collector's name, port, user and password."""
        environment = services["grafana"]["environment"]
        settings = data_source["jsonData"] | data_source["secureJsonData"]
        reached = {key: environment[settings[key][1:]] for key in ("host", "port", "username", "password")}
        assert reached["host"] in services
        assert image["SPANCOST_CLICKHOUSE_HTTP__ENDPOINT"].endswith(f":{reached['port']}")
        assert reached["username"] == load_config(None, {}).clickhouse_http.user
        assert reached["password"] == services["spancost"]["environment"]["SPANCOST_CLICKHOUSE_HTTP__PASSWORD"]
        assert settings["protocol"] == "http"

    def test_the_dashboards_are_where_the_provider_looks(self, root: Path, services: dict[str, Json]) -> None:
        """The directory of the JSON files is mounted at the provider's path."""
        [provider] = yaml.safe_load((root / "grafana/provisioning/dashboards/spancost.yaml").read_text())["providers"]
        mounts = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
        targets = {target: source for source, target in mounts.items()}
        assert targets[provider["options"]["path"]] == "./grafana/dashboards"
        for kind in ("datasources", "dashboards"):
            assert targets[f"/etc/grafana/provisioning/{kind}"] == f"./grafana/provisioning/{kind}"
        assert all((root / source).is_dir() for source in mounts if source.startswith("./"))

    def test_grafana_opens_with_the_overview(self, services: dict[str, Json]) -> None:
        """Its home page is a dashboard that is shipped."""
        home = Path(services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        assert home.stem in BOARDS
        assert str(home.parent) == "/etc/spancost/dashboards"


def _filled(environment: dict[str, str], values: dict[str, str]) -> dict[str, str]:
    return {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: values[found[1]], value) for name, value in environment.items()
    }

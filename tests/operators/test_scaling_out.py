"""The files that start several replicas name what exists: variables, commands, ports, addresses, and no secrets."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.__main__ import main
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
VARIABLES = {str(field.alias) for field in Settings.model_fields.values() if field.alias}
# Read by what runs beside or under the bot: uvicorn, PostgreSQL's image and the proxy.
OTHERS = {"FORWARDED_ALLOW_IPS", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "SIGNOFF_DOMAIN"}

Yaml = dict[str, Any]


@pytest.fixture
def compose() -> Yaml:
    held: Yaml = yaml.safe_load((ROOT / "compose.yml").read_text())
    return held


@pytest.fixture
def deployment() -> Yaml:
    kinds = {each["kind"]: each for each in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())}
    held: Yaml = kinds["Deployment"]
    return held


def commands() -> set[str]:
    return {command.name or command.callback.__name__ for command in main.registered_commands if command.callback}


def test_compose_runs_two_bots_on_one_postgresql_behind_a_proxy(compose: Yaml) -> None:
    services = compose["services"]
    bots = {name: service for name, service in services.items() if name.startswith("bot-")}

    assert len(bots) == 2
    assert all("command" not in bot for bot in bots.values())  # the image's own: run
    assert {bot["environment"]["DATABASE_URL"] for bot in bots.values()} == {
        "postgresql+psycopg://signoff:${POSTGRES_PASSWORD:?set it in .env}@database/signoff"
    }
    assert services["database"]["image"].startswith("postgres:")
    for name in bots:
        assert f"{name}:8000" in compose["configs"]["caddyfile"]["content"]
        assert services[name].get("ports") is None, "only the proxy is reached from outside"


def test_the_proxy_lets_nobody_outside_read_the_figures(compose: Yaml) -> None:
    assert "respond /metrics 404" in compose["configs"]["caddyfile"]["content"]


def test_the_schema_is_brought_up_to_date_before_any_bot_starts(compose: Yaml, deployment: Yaml) -> None:
    assert compose["services"]["migrate"]["command"] == ["migrate"]
    for name in ("bot-1", "bot-2"):
        waits = compose["services"][name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"
    pod = deployment["spec"]["template"]["spec"]
    assert [container["args"] for container in pod["initContainers"]] == [["migrate"]]
    assert [container["args"] for container in pod["containers"]] == [["run"]]


def test_commands_in_images_and_manifests_exist(compose: Yaml, deployment: Yaml) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    pod = deployment["spec"]["template"]["spec"]
    used = set(compose["services"]["migrate"]["command"])
    used |= {word for container in [*pod["initContainers"], *pod["containers"]] for word in container["args"]}
    used |= set(re.findall(r'^CMD \["(\w+)"\]', dockerfile, re.M))

    shown = CliRunner().invoke(main, ["--help"]).output

    assert used == {"run", "migrate"}
    assert used <= commands()
    assert all(word in shown for word in used)
    assert 'ENTRYPOINT ["python", "-m", "bot"]' in dockerfile


def test_every_variable_is_one_that_somebody_reads(compose: Yaml, deployment: Yaml) -> None:
    named = {variable for service in compose["services"].values() for variable in service.get("environment", {})}
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    named |= {each["name"] for each in container["env"]}
    image = " ".join(re.findall(r"^ENV (.+)$", (ROOT / "Dockerfile").read_text(), re.M))
    named |= {name for name in re.findall(r"(\w+)=", image) if not name.startswith("PYTHON")}

    assert named <= VARIABLES | OTHERS


def test_probes_ask_what_the_bot_serves_on_the_port_it_listens_on(compose: Yaml, deployment: Yaml) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    port = {each["name"]: each["value"] for each in container["env"]}["SIGNOFF_PORT"]

    assert [str(each["containerPort"]) for each in container["ports"]] == [port]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    # Restarting a replica does not help while its database is away: only a dead process is restarted.
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert f"127.0.0.1:{port}/readyz" in compose["services"]["bot-1"]["healthcheck"]["test"][-1]


def test_a_stop_is_given_the_time_it_may_take(compose: Yaml, deployment: Yaml) -> None:
    pod = deployment["spec"]["template"]["spec"]
    pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    from_host = 10 + 30  # bot.host: draining requests, then stopping the bot

    assert pod["terminationGracePeriodSeconds"] >= pause + from_host
    assert int(compose["services"]["bot-1"]["stop_grace_period"].removesuffix("s")) >= from_host


def test_what_goes_into_the_image_is_the_product_alone() -> None:
    allowed = (ROOT / ".dockerignore").read_text().split()

    assert allowed[0] == "*"
    assert {each for each in allowed if each.startswith("!")} == {"!requirements.lock", "!bot", "!adapters", "!storage"}


def test_no_secret_stands_in_any_of_these_files() -> None:
    for name in ("compose.yml", "deploy/kubernetes.yaml", "Dockerfile"):
        text = (ROOT / name).read_text()
        assert not re.search(r"xoxb-\w{5}|xapp-\w{5}|sk-ant-\w{5}|whsec_\w{5}", text), name
        for line in text.splitlines():
            assert not re.search(r"(PASSWORD|SECRET|TOKEN|KEY)\s*[:=]\s*[\w]{8,}", line), f"{name}: {line}"

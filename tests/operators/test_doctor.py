"""What the doctor finds, and what it says to do about it."""

import asyncio
import re
import socket
import tomllib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import ModelInfo
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from bot.__main__ import main
from bot.commands.checks import Finding
from bot.commands.checks.channels import check_channels
from bot.commands.checks.models import check_models, judged
from bot.commands.checks.slack import check_slack, judged_scopes
from bot.commands.checks.store import check_store
from bot.core.policy import Policy
from bot.sandbox import SandboxServer
from bot.sandbox.faults import Fault, Trouble
from bot.settings import Settings
from bot.surfaces.slack.scopes import SCOPES
from storage import schema
from storage.database import Database, Tx, table_of
from storage.tables import Job, JobKind, JobStatus
from tests.fakes.claude import FakeClaude
from tests.operators.built import settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOML = """
[slack]
channel = "C0SUPPORT"
agents_group = "S0AGENTS"
supervisors_group = "S0LEADS"
agents = ["U0ANA"]
admins = ["U0ELI"]
[[categories]]
name = "billing"
channel = "C0BILLING"
[tiers.vip]
channel = "C0VIP"
"""


def policy(toml: str = "") -> Policy:
    return Policy.model_validate(tomllib.loads(TOML + toml))


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def wrong_ones(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    return {finding.subject: (finding.what, finding.fix) for finding in findings if finding.fix is not None}


@pytest.fixture
async def slack() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as sandbox:
        for channel in sandbox.workspace.channels.values():
            channel.members = [*{*channel.members, sandbox.workspace.bot_user}]
        yield sandbox


def known(slack: SandboxServer, **more: Any) -> Settings:
    return settings(SLACK_BOT_TOKEN=slack.bot_token, SLACK_API_URL=slack.api_url, SLACK_APP_TOKEN=None, **more)


async def look(slack: SandboxServer) -> list[Finding]:
    return await check_slack(known(slack), policy())


async def test_a_healthy_workspace_has_nothing_to_fix(slack: SandboxServer) -> None:
    findings = await look(slack)

    assert wrong_ones(findings) == {}
    assert {
        "SLACK_BOT_TOKEN",
        "scopes",
        "#support (slack.channel)",
        "#billing (category billing)",
        "#vip-desk (tiers.vip)",
        "agents_group S0AGENTS",
        "supervisors_group S0LEADS",
        "agents U0ANA",
        "admins U0ELI",
    } == set(by_subject(findings))


def not_invited(slack: SandboxServer) -> None:
    slack.workspace.channels["C0BILLING"].members.remove(slack.workspace.bot_user)


def archived(slack: SandboxServer) -> None:
    slack.workspace.channels["C0VIP"].archived = True


def channel_gone(slack: SandboxServer) -> None:
    del slack.workspace.channels["C0SUPPORT"]


def group_gone(slack: SandboxServer) -> None:
    del slack.workspace.groups["S0LEADS"]


def group_empty(slack: SandboxServer) -> None:
    slack.workspace.groups["S0AGENTS"].users.clear()


def person_left(slack: SandboxServer) -> None:
    slack.workspace.users["U0ELI"].deleted = True


def scope_missing(slack: SandboxServer) -> None:
    slack.workspace.scopes -= {"usergroups:read"}


@pytest.mark.parametrize(
    ("trouble", "subject", "what", "fix"),
    [
        (not_invited, "#billing (category billing)", "the bot is not in it", "/invite @Signoff"),
        (archived, "#vip-desk (tiers.vip)", "is archived", "Unarchive it"),
        (channel_gone, "channel C0SUPPORT (slack.channel)", "channel_not_found", "invite it"),
        (group_gone, "supervisors_group S0LEADS", "no_such_subteam", "check signoff.toml"),
        (group_empty, "agents_group S0AGENTS", "has no members", "Add people"),
        (person_left, "admins U0ELI", "was deactivated", "Take U0ELI out of admins"),
        (scope_missing, "agents_group S0AGENTS", "lacks usergroups:read", "manifest.yml"),
    ],
)
async def test_what_is_wrong_in_slack_is_named_with_its_cure(
    slack: SandboxServer, trouble: Callable[[SandboxServer], None], subject: str, what: str, fix: str
) -> None:
    trouble(slack)

    found = wrong_ones(await look(slack))

    assert subject in found, found
    assert what in found[subject][0]
    assert fix in found[subject][1]


async def test_a_refused_token_is_all_there_is_to_say(slack: SandboxServer) -> None:
    slack.faults.add(Fault(Trouble.REVOKED, times=None))

    (finding,) = await look(slack)

    assert (finding.subject, finding.what) == ("SLACK_BOT_TOKEN", "Slack says token_revoked")
    assert slack.bot_token not in str(finding)


@pytest.mark.parametrize("trouble", [Trouble.DROP, Trouble.ERROR, Trouble.GARBAGE])
async def test_a_slack_that_does_not_answer_is_said_to_be_away(slack: SandboxServer, trouble: Trouble) -> None:
    slack.faults.add(Fault(trouble, times=None))

    (finding,) = await look(slack)

    assert finding.fix is not None


def test_scopes_that_are_missing_are_named_with_what_they_are_for() -> None:
    granted = SCOPES.keys() - {"users:read.email"}

    every = judged_scopes({"X-OAuth-Scopes": ",".join(SCOPES)})
    lacking = judged_scopes({"x-oauth-scopes": ", ".join([*granted, "files:write"])})

    assert every.fix is None
    assert lacking.what == f"missing: users:read.email ({SCOPES['users:read.email']})"
    assert "manifest.yml" in str(lacking.fix)


async def test_socket_mode_is_tried(slack: SandboxServer) -> None:
    right, wrong = known(slack), known(slack)
    right = right.model_copy(update={"slack_app_token": SecretStr(slack.app_token)})
    wrong = wrong.model_copy(update={"slack_app_token": SecretStr("xapp-wrong")})

    good = by_subject(await check_slack(right, policy()))
    bad = by_subject(await check_slack(wrong, policy()))

    assert good["SLACK_APP_TOKEN"].fix is None
    assert "connections:write" in str(bad["SLACK_APP_TOKEN"].fix)


async def test_models_are_asked_for(slack: SandboxServer) -> None:
    async with FakeClaude() as claude:
        custom = policy("[[categories]]\nname = 'returns'\nmodel = 'claude-gone-1'\n")
        findings = await check_models(custom, SecretStr("sk-ant-1"), claude.url, NOW)
        refused = await check_models(policy(), SecretStr("revoked"), claude.url, NOW)

    assert wrong_ones(findings) == {
        "model claude-gone-1": (
            "does not exist, or this key may not use it",
            "Name another model for category returns.",
        )
    }
    assert len(findings) == 3
    assert {finding.what for finding in refused} == {"the key is refused"}


async def test_without_a_key_the_offline_drafter_is_fine() -> None:
    (finding,) = await check_models(policy(), None, None, NOW)

    assert finding.fix is None
    assert "offline" in finding.what


async def test_a_gateway_that_answers_with_a_page_is_not_taken_for_the_api() -> None:
    async with SandboxServer() as page:  # any web server will do
        findings = await check_models(policy(), SecretStr("sk-ant-1"), page.workspace.base_url, NOW)

    assert all(finding.fix for finding in findings)


@pytest.mark.parametrize(
    ("lifecycle", "days", "what"),
    [
        ("active", None, None),
        ("deprecated", 61, None),
        ("deprecated", 8, "retires on 2026-11-30"),
        ("deprecated", -3, "retires on 2026-11-19"),
        ("retired", -30, "is retired"),
    ],
)
def test_a_model_near_its_end_is_told(lifecycle: str, days: int | None, what: str | None) -> None:
    retires_at = None if days is None else NOW + timedelta(days=days)
    model = ModelInfo.model_construct(id="claude-1", lifecycle=lifecycle, retires_at=retires_at)

    finding = judged("model claude-1", model, "models.draft", NOW)

    assert (finding.what if finding.fix else None) == what


async def test_channels_are_looked_up_without_sending_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as closed:
        address, gone = (f"127.0.0.1:{each.getsockname()[1]}" for each in (listening, closed))
        closed.close()
        orders = "[channels.{}]\nkind = 'webhook'\nsecret_env = 'A'\nurl = '{}'\n"
        findings = await check_channels(
            policy(
                "[channels.shop]\nkind = 'webchat'\n[channels.inbound]\nkind = 'webhook'\nsecret_env = 'A'\n"
                + orders.format("here", f"http://{address}/x?token=1")
                + orders.format("away", f"http://{gone}/x")
                + orders.format("nowhere", "http://:99999/x")
            )
        )

    assert set(wrong_ones(findings)) == {"channel away", "channel nowhere"}
    assert "token" not in str(findings)


async def test_no_channel_at_all_is_wrong() -> None:
    assert list(wrong_ones(await check_channels(policy()))) == ["channels"]


async def test_failed_jobs_and_an_empty_knowledge_base_are_told(database_url: str) -> None:
    async with Database(database_url) as db:
        await db.write(_given_up)

    found = wrong_ones(await check_store(database_url))

    assert found["show jobs"][0] == "1 given up"
    assert "signoff kb import DIR" in found["knowledge base"][1]


def _given_up(tx: Tx) -> None:
    if tx.postgres:
        sql = "insert into procrastinate_jobs (queue_name, task_name, status) values ('signoff', 'show', 'failed')"
        tx.run(text(sql))
    else:
        failed = {"kind": JobKind.SHOW, "subject": "pst_1", "status": JobStatus.FAILED, "run_at": NOW}
        tx.run(table_of(Job).insert().values(**failed, attempts=20, created_at=NOW))


async def test_a_database_without_schema_is_told_and_none_is_made(empty_url: str, tmp_path: Path) -> None:
    found = wrong_ones(await check_store(empty_url))

    assert found["database"][1] == "Run `signoff migrate`."
    assert not (tmp_path / "empty.db").exists()


async def test_a_database_that_is_away_is_told_without_its_password() -> None:
    found = wrong_ones(await check_store("postgresql+psycopg://bot:hunter2@127.0.0.1:1/signoff"))

    assert "cannot be used" in found["database"][0]
    assert "hunter2" not in str(found)


async def test_the_command_shows_it_all(
    slack: SandboxServer, desk: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "signoff.toml").write_text(TOML)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
    monkeypatch.setenv("SLACK_API_URL", slack.api_url)

    result = await asyncio.to_thread(CliRunner().invoke, main, ["doctor"])

    told = " ".join(re.sub(r"[│┃]", " ", result.stdout).split())
    assert result.exit_code == 1
    assert f"database: SQLite at {schema.head()}" in told
    assert "#vip-desk (tiers.vip): the bot is in it" in told
    assert "Run `signoff kb import DIR`." in told
    assert "2 to fix." in told  # no channel, no articles
    assert slack.bot_token not in result.output


def test_the_command_shows_a_wrong_configuration_too(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN")

    result = CliRunner().invoke(main, ["doctor"])

    assert result.exit_code == 1
    assert "SLACK_BOT_TOKEN" in result.stdout
    assert "signoff migrate" in result.stdout
    assert "2 to fix." in result.stdout


async def test_a_machine_whose_clock_differs_from_the_databases_is_found(postgres_url: str) -> None:
    """Replicas go by their own clocks: one that is ahead would send early what another one holds."""

    def ahead() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=5)

    agreeing = by_subject(await check_store(postgres_url))["clock"]
    wrong = by_subject(await check_store(postgres_url, ahead))["clock"]

    assert agreeing.fix is None
    assert "ahead of PostgreSQL's" in wrong.what
    assert "time server" in str(wrong.fix)

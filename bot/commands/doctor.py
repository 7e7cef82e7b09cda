"""signoff doctor: everything that can be wrong, looked at, with what to do about it."""

import asyncio
from collections.abc import Awaitable

import typer
from rich.markup import escape
from rich.table import Table

from bot import logs
from bot.commands.checks import Finding, wrong
from bot.commands.checks.channels import check_channels
from bot.commands.checks.slack import check_slack
from bot.commands.checks.store import check_store
from bot.commands.terminal import err, now, out
from bot.core.policy import Policy
from bot.problems import Misconfigured, Problem
from bot.settings import Settings, load, load_store


def doctor() -> None:
    """Check every credential, scope, channel, model and table, and say what to fix. Changes nothing.

    Ends with code 1 if anything is wrong.
    """
    with err.status("Looking…"):
        findings = asyncio.run(_look())
    out.print(_table(findings), soft_wrap=False)
    failed = sum(finding.fix is not None for finding in findings)
    out.print(f"{failed} to fix." if failed else "All is well.")
    if failed:
        raise typer.Exit(1)


async def _look() -> list[Finding]:
    """What needs the configuration is left out while that is wrong; the database is looked at if it is known."""
    try:
        settings, policy = load()
    except Misconfigured as misconfigured:
        return [*map(_finding, misconfigured.problems), *await _database_alone()]
    logs.set_up(style=settings.log, level="error", secrets=settings.secrets())
    return await _all(settings, policy)


async def _all(settings: Settings, policy: Policy) -> list[Finding]:
    from bot.commands.checks.models import check_models  # noqa: PLC0415  # its SDK takes 40 MB: not for `signoff run`

    looks: list[Awaitable[list[Finding]]] = [
        check_store(settings.database_url),
        check_slack(settings, policy),
        check_models(policy, settings.anthropic_api_key, settings.anthropic_base_url, now()),
        check_channels(policy),
    ]
    return [finding for findings in await asyncio.gather(*looks) for finding in findings]


async def _database_alone() -> list[Finding]:
    try:
        return await check_store(load_store().database_url)
    except Misconfigured:
        return []  # told already


def _finding(problem: Problem) -> Finding:
    return wrong(problem.where, problem.what, fix=problem.remedy)


def _table(findings: list[Finding]) -> Table:
    table = Table(show_lines=any(finding.fix for finding in findings))
    table.add_column("")
    table.add_column("Looked at", overflow="fold", ratio=2)
    table.add_column("What to do", overflow="fold", ratio=3)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.fix is None else "[red]fail[/red]"
        table.add_row(mark, escape(f"{finding.subject}: {finding.what}"), escape(finding.fix or ""))
    return table

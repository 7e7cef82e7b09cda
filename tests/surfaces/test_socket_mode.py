"""The same over Socket Mode: no address of ours, the same listeners."""

from collections.abc import AsyncIterator

import pytest

from bot.core.cards import Action
from bot.core.decisions import Answer, Approve, Edit, Verdict
from bot.sandbox import SandboxServer
from bot.sandbox.faults import Fault, Trouble
from tests.surfaces.cards import drawn_text, waiting
from tests.surfaces.recording import Office, eventually, opened


@pytest.fixture
async def office(sandbox: SandboxServer) -> AsyncIterator[Office]:
    async with opened(sandbox, over_socket=True) as office:
        await sandbox.until(lambda: sandbox.sockets.connected)
        yield office


async def test_a_press_and_a_form_arrive(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting())

    await ana.click("approve", on=message)
    await ana.click("edit", on=message)
    await ana.type("typed", "")
    refused = await ana.submit()
    await ana.type("typed", "It ships today.")
    sent = await ana.submit()

    assert refused.errors
    assert sent.view is None
    assert office.desk.decisions == [Approve(), Edit("It ships today.")]


async def test_a_refusal_is_whispered_and_a_command_answered(office: Office) -> None:
    ana = office.sandbox.person("U0ANA")
    _, message = await office.post(waiting(buttons=(Action.UNDO,)))
    office.desk.verdicts = [Verdict(answer=Answer.TOO_LATE, words="The hold is over.")]

    pressed = await ana.click("undo", on=message)
    asked = await ana.run("/signoff", "help", channel="C0SUPPORT")

    assert "The hold is over." in drawn_text(pressed.ephemerals[0].blocks)
    assert "/signoff queue" in drawn_text(asked.ephemerals[-1].blocks)


async def test_the_connection_is_renewed_when_slack_ends_it(office: Office) -> None:
    _, message = await office.post(waiting())
    ana = office.sandbox.person("U0ANA")

    await office.sandbox.sockets.disconnect()

    async def pressed() -> bool:
        return (await ana.click("approve", on=message)).ok

    await eventually(pressed)  # between two connections a press may fail: the agent presses again

    assert len(office.sandbox.calls("apps.connections.open")) >= 2
    assert set(office.desk.decisions) == {Approve()}


async def test_it_says_when_it_is_not_connected(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.surfaces.slack.socket_mode.FIRST_WAIT_SECONDS", 0.1)
    sandbox.faults.add(Fault(Trouble.REFUSE, method="apps.connections.open", code="invalid_auth", times=None))

    async with opened(sandbox, over_socket=True) as office:
        assert "SLACK_APP_TOKEN" in (await office.slack.trouble() or "")


async def test_it_connects_once_slack_is_back(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.surfaces.slack.socket_mode.FIRST_WAIT_SECONDS", 0.1)
    monkeypatch.setattr("bot.surfaces.slack.socket_mode.AGAIN_SECONDS", 0.05)
    sandbox.faults.add(Fault(Trouble.ERROR, method="apps.connections.open", times=3))

    async with opened(sandbox, over_socket=True) as office:

        async def well() -> bool:
            return await office.slack.trouble() is None

        await eventually(well)

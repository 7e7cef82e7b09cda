"""Who may press is decided on every press, forms included, and whoever may not is told politely and noted."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.base import Automatic
from bot.core.decisions import (
    Answer,
    Approve,
    Decision,
    Dismiss,
    DismissReason,
    Edit,
    HandBack,
    PauseRequest,
    Presser,
    Recategorise,
    Redraft,
    Resolve,
    RetryDelivery,
    SendReply,
    TakeOver,
    Undo,
)
from storage import agents
from storage.database import table_of
from storage.tables import Agent, Role
from storage.tables import Decision as DecisionRow
from tests.desk import Cards, Desk, member

EVERYTHING: list[Decision] = [
    Approve(),
    Edit("My secret words."),
    TakeOver(),
    Redraft("shorter"),
    Recategorise("billing"),
    Dismiss(DismissReason.SPAM),
    Undo(),
    RetryDelivery(),
    SendReply("My secret words."),
    HandBack(),
    Resolve(),
]


async def decided(desk: Desk) -> list[str]:
    return [row.kind.value for row in await desk.db.read(lambda tx: list(tx.run(select(table_of(DecisionRow)))))]


@pytest.mark.parametrize("decision", EVERYTHING, ids=lambda decision: type(decision).__name__)
async def test_a_stranger_decides_nothing_is_told_whom_to_ask_and_leaves_a_line(
    desk: Desk, decision: Decision, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.customer_says("Where is my order?")
    caplog.clear()

    verdict = await desk.press(decision, by="U0FAY")
    await desk.pass_time(60)

    assert verdict.answer is Answer.NOT_ALLOWED
    assert "Ask an admin to add you" in verdict.words
    assert await decided(desk) == []
    assert desk.customer_heard == []
    lines = [record for record in caplog.records if record.name == "bot.steps.deciding"]
    assert {(line.levelno, line.__dict__["presser"]) for line in lines} == {(logging.WARNING, "U0FAY")}
    assert "secret" not in str([vars(record) for record in caplog.records])


async def test_a_form_opened_by_an_agent_who_was_removed_meanwhile_decides_nothing(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    opened = await desk.front.card(desk.card.shown)
    assert opened is not None
    desk.cards.people = [person for person in desk.cards.people if person.external_id != "U0BO"]
    await desk.front.roster_changed("slack")

    verdict = await desk.press(Edit("Sent after all?"), by="Bo", on=opened, event="form:1")

    assert verdict.answer is Answer.NOT_ALLOWED
    assert await desk.front.may(Presser(surface="slack", external_id="U0BO")) is None
    assert await decided(desk) == []


async def test_an_agent_who_may_press_on_slack_may_not_under_the_same_id_elsewhere(desk: Desk) -> None:
    who = Presser(surface="teams", external_id="U0ANA")

    verdict = await desk.front.pause(PauseRequest(who=who, category=None, length=timedelta(hours=1)))

    assert verdict.answer is Answer.NOT_ALLOWED


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
async def test_supervisors_and_admins_may_take_hand_back_and_resolve_what_another_owns(desk: Desk, role: Role) -> None:
    desk.cards.people = [*desk.cards.people, member("U0GIL", "Gil Ode", role)]
    await desk.front.roster_changed("slack")
    for number, decision in enumerate((HandBack(), Resolve(), TakeOver())):
        await desk.customer_says("Where is my order?", thread=f"t{number}")
        await desk.press(TakeOver(), by="Bo")
        card = desk.card

        assert (await desk.press(decision, by="Ana", on=card)).answer is Answer.NOT_OWNER
        assert (await desk.press(decision, by="U0GIL", on=card)).answer is Answer.RECORDED


async def test_even_an_admin_does_not_write_in_the_owners_name(desk: Desk) -> None:
    desk.cards.people = [*desk.cards.people, member("U0GIL", "Gil Ode", Role.ADMIN)]
    await desk.front.roster_changed("slack")
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")

    verdict = await desk.press(SendReply("Hello."), by="U0GIL")

    assert verdict.answer is Answer.NOT_OWNER
    await desk.pass_time(60)
    assert desk.customer_heard == []


async def test_a_new_role_counts_from_the_next_press_on(desk: Desk) -> None:
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Bo")
    assert (await desk.press(TakeOver(), by="Ana")).answer is Answer.NOT_OWNER

    desk.cards.people = [
        replace(person, role=Role.SUPERVISOR) if person.external_id == "U0ANA" else person
        for person in desk.cards.people
    ]
    await desk.front.roster_changed("slack")

    assert (await desk.press(TakeOver(), by="Ana")).answer is Answer.RECORDED


async def test_somebody_elses_address_makes_nobody_that_person(desk: Desk) -> None:
    dee = next(person for person in desk.cards.people if person.external_id == "U0DEE")
    await desk.customer_says("Where is my order?")
    await desk.press(TakeOver(), by="Dee")

    desk.cards.people = [replace(member("U0EVE", "Eve Lund"), email=dee.email), *desk.cards.people]
    await desk.front.roster_changed("slack")

    assert await desk.front.may(Presser(surface="slack", external_id="U0EVE")) is Role.AGENT
    assert (await desk.press(SendReply("I am Dee."), by="U0EVE")).answer is Answer.NOT_OWNER
    assert (await desk.press(SendReply("I am Dee."), by="Dee")).answer is Answer.RECORDED


async def test_the_same_person_on_another_surface_is_one_agent(desk: Desk) -> None:
    desk.roster.surfaces = {**desk.roster.surfaces, "teams": desk.cards}

    await desk.roster.read("teams")

    ids = await desk.db.read(lambda tx: [agents.agent_for(tx, surface, "U0DEE") for surface in ("slack", "teams")])
    assert ids[0] is not None
    assert ids[1] is not None
    assert ids[0].id == ids[1].id


async def test_a_person_on_two_surfaces_has_the_higher_role_whichever_was_read_last(desk: Desk) -> None:
    there = Cards(name="teams", people=[replace(member("t/dee", "D. Marsh"), email="u0dee@larkspur.example")])
    desk.roster.surfaces = {**desk.roster.surfaces, "teams": there}

    seen = []
    for surface in ("teams", "slack", "teams", "slack"):
        await desk.roster.read(surface)
        seen += [await _agent(desk, surface, id) for surface, id in (("slack", "U0DEE"), ("teams", "t/dee"))]

    assert {(agent.name, agent.role, agent.active) for agent in seen} == {("Dee Marsh", Role.SUPERVISOR, True)}


async def test_who_left_one_surface_is_an_agent_until_they_left_the_other_too(desk: Desk) -> None:
    there = Cards(name="teams", people=[replace(member("t/dee", "D. Marsh"), email="u0dee@larkspur.example")])
    desk.roster.surfaces = {**desk.roster.surfaces, "teams": there}
    await desk.roster.read("teams")
    desk.cards.people = [person for person in desk.cards.people if person.external_id not in ("U0DEE", "U0BO")]

    for surface in ("slack", "teams", "slack"):
        await desk.roster.read(surface)
        assert (await _agent(desk, "teams", "t/dee")).active
    assert (await _agent(desk, "teams", "t/dee")).role is Role.AGENT
    there.people = []
    await desk.roster.read("teams")

    assert await desk.front.may(Presser(surface="teams", external_id="t/dee")) is None


async def test_an_address_of_a_supervisor_elsewhere_makes_nobody_one(desk: Desk) -> None:
    """Two members of one surface are two people, whatever another surface knows of the address."""
    there = Cards(name="teams", people=[replace(member("t/dee", "D. Marsh"), email="u0dee@larkspur.example")])
    desk.roster.surfaces = {**desk.roster.surfaces, "teams": there}
    await desk.roster.read("teams")
    desk.cards.people = [replace(member("U0EVE", "Eve Lund"), email="u0dee@larkspur.example"), *desk.cards.people]

    for surface in ("slack", "teams", "slack"):
        await desk.roster.read(surface)

    assert (await _agent(desk, "slack", "U0EVE")).role is Role.AGENT


async def _agent(desk: Desk, surface: str, external_id: str) -> Agent:
    agent = await desk.db.read(lambda tx: agents.agent_for(tx, surface, external_id))
    assert agent is not None
    return agent


async def test_a_wish_for_a_first_draft_is_kept_as_far_as_it_is_read(desk: Desk) -> None:
    await desk.customer_says("Out of office", automatic=Automatic.AUTO_REPLY)

    await desk.press(Redraft("shorter " * 5_000), by="Ana", on=replace(desk.card.shown, review_id=None))

    rows = await desk.db.read(lambda tx: list(tx.run(select(table_of(DecisionRow)))))
    assert [len(row.reason or "") for row in rows] == [2000]

"""What a run of the crash test counted: as a table on the terminal, and in artefacts/crash/counts.{json,md,txt}."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from storage.failpoints import Point
from tests.crash.lives import ROOT
from tests.crash.promises import Checked, Witness
from tests.crash.world import World

# By the words of a check: what counts as lost where it did not hold, and what as doubled.
LOSSES = {
    "an accepted message is stored once",
    "a message was answered, settled, or has an owner",
    "every card we noted hangs, and no other",
    "a decided reply reached its customer",
}
DUPLICATES = {
    "a question is settled once, by the decision it names",
    "a reply is taken back once",
    "a message is answered by one decision",
    "a card hangs once",
    "a line is on a customer's page once",
}
FOLDER = ROOT / "artefacts" / "crash"
Counts = dict[str, Any]


def counts(world: World, witness: Witness, promises: list[Checked], *, repeat: str) -> Counts:
    kills, customers, visitors = world.kills, world.customers, world.visitors
    count = world.ledger.count
    lost = [case for one in promises if one.what in LOSSES for case in one.wrongs]
    twice = [case for one in promises if one.what in DUPLICATES for case in one.wrongs]
    return {
        "repeat": repeat,
        "database": "PostgreSQL" if world.ledger.postgres else "SQLite",
        "replicas": len(world.ports),
        "kills": kills.total,
        "kills at points": {point.value: kills.at_points[point] for point in Point},
        "hung at points": _plain(kills.hung_at),
        "kills at moments": _plain(kills.at_moments),
        "not started while the database was away": kills.not_started,
        "faults of Slack": _plain(Counter(trouble.value for _, trouble in world.sandbox.faults.struck)),
        "answers of the channel": _plain(Counter(post.answer.value for post in world.receiver.posts))
        | _plain(world.troubles.channel),
        "failures of the model": _plain(world.troubles.model),
        "troubles of the database": _plain(world.troubles.database),
        "messages": len(customers.accepted) + len(visitors.accepted),
        "messages posted as": _plain(customers.attempts) | {f"chat {k}": n for k, n in visitors.attempts.items()},
        "redeliveries recognised": customers.recognised + visitors.attempts["recognised"],
        "presses": _plain(world.agents.presses),
        "decisions": count("select count(*) from decision"),
        "decisions by kind": _plain(world.ledger.decisions()),
        "told too late to undo": world.agents.told_too_late,
        "deliveries": count("select count(*) from delivery"),
        "replies repeated under their key": world.receiver.repeats,
        "cards": count("select count(*) from posting"),
        "duplicates": len(twice),
        "losses": len(lost),
        "promises": [
            {"promise": one.promise, "what": one.what, "checked": one.cases, "broken": list(one.wrongs)}
            for one in promises
        ],
    }


def write(told: Counts) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "counts.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "counts.txt").write_text(table(told) + "\n", encoding="utf-8")
    (FOLDER / "counts.md").write_text(_markdown(told), encoding="utf-8")


def table(told: Counts) -> str:
    """Short enough for a terminal."""
    points = told["kills at points"]
    lines = [
        ("database", f"{told['database']}, replicas {told['replicas']}; again: {told['repeat']}"),
        (
            "kills",
            f"{told['kills']}: {sum(points.values())} at {sum(map(bool, points.values()))} of {len(points)} points",
        ),
        ("at moments", _listed(told["kills at moments"])),
        ("hung at points", str(sum(told["hung at points"].values()))),
        *(
            (name, _listed(told[name]))
            for name in told
            if name.split()[0] in ("faults", "answers", "failures", "troubles")
        ),
        ("messages", f"{told['messages']}, redeliveries recognised {told['redeliveries recognised']}"),
        ("presses", _listed(told["presses"])),
        ("decisions", f"{told['decisions']}: {_listed(told['decisions by kind'])}"),
        ("deliveries", f"{told['deliveries']}, repeated under their key {told['replies repeated under their key']}"),
        ("cards", str(told["cards"])),
        ("duplicates, losses", f"{told['duplicates']}, {told['losses']}"),
    ]
    checks = [
        f"  {one['promise']:>2}  {one['what']:<62} {one['checked']:>6} checked, {len(one['broken']) or 'none'} broken"
        for one in told["promises"]
    ]
    return "\n".join([*(f"  {name:<24} {value}" for name, value in lines), "  promises", *checks])


def _markdown(told: Counts) -> str:
    rows = [f"| {name} | {_listed(value) if isinstance(value, dict) else value} |" for name, value in _flat(told)]
    checks = [
        f"| {one['promise']} | {one['what']} | {one['checked']} | {len(one['broken'])} |" for one in told["promises"]
    ]
    return "\n".join(
        [
            "# Crash test\n",
            "| what | count |",
            "| --- | --- |",
            *rows,
            "",
            "| promise | what was checked | cases | broken |",
            "| --- | --- | --- | --- |",
            *checks,
            "",
        ]
    )


def _flat(told: Counts) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in told.items() if name != "promises"]


def _plain(counter: Mapping[Any, int]) -> dict[str, int]:
    return {str(name): number for name, number in sorted(counter.items())}


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or "none"

"""signoff.toml read and checked: every mistake with its line and its remedy."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.core.policy import Policy
from bot.lines import Place, lines_of, nearest
from bot.problems import Problem, sentence

EXAMPLE: Final = "signoff.example.toml"
_SHOWN_KEYS: Final = 12

Document = dict[str, Any]
Lines = dict[Place, int]


@dataclass(frozen=True, kw_only=True)
class PolicyFile:
    """What a file says: a policy, or problems."""

    policy: Policy | None
    problems: tuple[Problem, ...] = ()
    secret_variables: Mapping[str, str] = field(default_factory=dict)  # by channel, as far as they can be read


def read_policy(path: Path) -> PolicyFile:
    """The policy file as a value, or everything that is wrong with it, line by line."""
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except FileNotFoundError:
        remedy = f"Begin with the example: cp {EXAMPLE} {path}. SIGNOFF_CONFIG names another file."
        return _refused(Problem(where=str(path), what="there is no such file", remedy=remedy))
    except OSError as error:
        remedy = "Make it a file that this user may read."
        return _refused(Problem(where=str(path), what=f"cannot be read: {error.strerror}", remedy=remedy))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return _refused(Problem(where=f"{path}:{line}", what="is not UTF-8", remedy="Save the file as UTF-8."))
    except tomllib.TOMLDecodeError as error:
        return _refused(_syntax_problem(path, text, error))
    return _checked(path, document, lines_of(text))


def _refused(problem: Problem) -> PolicyFile:
    return PolicyFile(policy=None, problems=(problem,))


def _checked(path: Path, document: Document, lines: Lines) -> PolicyFile:
    problems = _knowledge_problems(path, document, lines)
    policy = None
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        problems += [_policy_problem(path, lines, each) for each in error.errors(include_url=False)]
    return PolicyFile(policy=policy, problems=tuple(problems), secret_variables=_secret_variables(document))


def _knowledge_problems(path: Path, document: Document, lines: Lines) -> list[Problem]:
    desk = document.get("desk")
    knowledge = desk.get("knowledge") if isinstance(desk, dict) else None
    if not isinstance(knowledge, str) or Path(knowledge).is_dir():
        return []
    where = f"{path}:{lines['desk', 'knowledge']} desk.knowledge"
    what = f"{knowledge!r} is not a folder, seen from {Path.cwd()}"
    remedy = "Name the folder of Markdown articles, or leave the key out and use `signoff kb import`."
    return [Problem(where=where, what=what, remedy=remedy)]


def _secret_variables(document: Document) -> dict[str, str]:
    channels = document.get("channels")
    tables = channels.items() if isinstance(channels, dict) else ()
    named = {name: table.get("secret_env") for name, table in tables if isinstance(table, dict)}
    return {name: variable for name, variable in named.items() if isinstance(variable, str)}


def _syntax_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    said = str(error)
    place = re.search(r" \(at line (\d+), column \d+\)$| \(at end of document\)$", said)
    line = place[1] if place and place[1] else len(text.splitlines()) or 1
    what = said[: place.start()] if place else said
    return Problem(where=f"{path}:{line}", what=f"is not TOML: {what[:1].lower()}{what[1:]}", remedy="Mend this line.")


def _policy_problem(path: Path, lines: Lines, error: ErrorDetails) -> Problem:
    found, line = nearest(lines, error["loc"])
    missing = error["type"] == "missing"
    shown = (*found, error["loc"][-1]) if missing else found
    name = _dotted(shown)
    return Problem(
        where=f"{path}:{line} {name}".rstrip(),
        what="is missing" if missing else sentence(error),
        remedy=_policy_remedy(error, found),
    )


def _dotted(path: Place) -> str:
    """`categories[2].keywords`, counting from 1 as people do."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        else:
            plain = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part)
            words += f".{plain}" if words else plain
    return words


_GROUP_ID: Final = "A user group's id begins with S: in Slack, People > User groups > the group > ⋯ > Copy group ID."
_TEAMS_ID: Final = (
    "A Teams channel's id is 19:…@thread.tacv2: in Teams, Copy link of the channel (General for the team), unquoted."
)
_REMEDIES: Final = {
    "channel": "A Slack channel's id begins with C or G: in Slack, open the channel's details and look at the bottom.",
    "teams_channel": _TEAMS_ID,
    "teams.channel": _TEAMS_ID,
    "teams.team": _TEAMS_ID,
    "teams.group": "It is the groupId in the link that Teams gives for the team.",
    "agents_group": _GROUP_ID,
    "supervisors_group": _GROUP_ID,
    "slack": "Set agents_group (a user group's id, S…) or agents (user ids, U…) under [slack].",
    "secret_env": "Name the environment variable that holds the secret, as ORDERS_WEBHOOK_SECRET; not the secret.",
    "url": "Give the whole address, beginning with https://.",
    "kind": 'Set kind to "webchat" or "webhook".',
    "patterns": "Write it in single quotes, as Python's re module reads it.",
    "[key]": "Use lower-case letters, digits, - and _; it stands in the channel's address.",
}


def _policy_remedy(error: ErrorDetails, found: Place) -> str:
    key = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = sorted(_keys_beside(error["loc"]))
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"Did you mean {close[0]}? " if close else "Remove it. "
        return f"{hint}Known here: {', '.join(known[:_SHOWN_KEYS])}."
    if error["type"].startswith("union_tag"):
        return _REMEDIES["kind"]
    named = [part for part in reversed(error["loc"]) if isinstance(part, str)]
    table = found[0] if found else "desk"
    keys = [key for part in named[:1] for key in (f"{table}.{part}", part)]
    special = next((_REMEDIES[key] for key in keys if key in _REMEDIES), None)
    return special or f"{EXAMPLE} shows [{table}] with every key and its range."


def _keys_beside(loc: Place) -> set[str]:
    """The keys that the model holding the last part of `loc` knows."""
    model: Any = Policy
    for part in loc[:-1]:
        model = _below(model, part)
    return set(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else set()


def _below(model: Any, part: str | int) -> Any:
    """The type one step down: a field's, an element's, or the member of a union that a tag names."""
    if get_origin(model) is Annotated:
        model = get_args(model)[0]
    if isinstance(model, type) and issubclass(model, BaseModel):
        return _set(model.model_fields[str(part)].annotation) if part in model.model_fields else model
    members = [each for each in get_args(model) if isinstance(each, type) and issubclass(each, BaseModel)]
    tagged = [
        each
        for each in members
        if "kind" in each.model_fields and part in get_args(each.model_fields["kind"].annotation)
    ]
    if tagged:
        return tagged[0]
    return next((each for each in reversed(get_args(model)) if each is not Ellipsis), model)


def _set(annotation: Any) -> Any:
    """What an optional section is where it is there."""
    there = [each for each in get_args(annotation) if each is not type(None)]
    return there[0] if len(there) == 1 and type(None) in get_args(annotation) else annotation

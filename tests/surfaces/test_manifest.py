"""manifest.yml: what Slack's schema says, and what it does not say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import bot.surfaces.slack
from bot.surfaces.slack.connect import EVENTS_PATH
from bot.surfaces.slack.scopes import EVENTS, METHODS, SCOPES, missing_scopes
from tests.data import shared

ROOT = Path(__file__).resolve().parents[2]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
SOURCES = [path.read_text() for path in Path(bot.surfaces.slack.__file__).parent.rglob("*.py")]


def test_slacks_schema_takes_it() -> None:
    schema = json.loads(shared("slack/manifest_schema/manifest.schema.2.0.0.json").read_text())

    assert [error.message for error in Draft7Validator(schema).iter_errors(MANIFEST)] == []


def test_it_asks_for_the_scopes_we_have_a_reason_for() -> None:
    assert MANIFEST["oauth_config"]["scopes"] == {"bot": sorted(SCOPES)}


def test_it_asks_for_the_events_we_listen_to_and_their_scopes() -> None:
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == sorted(EVENTS)
    assert {scope for scope in EVENTS.values() if scope} <= set(SCOPES)


def test_every_method_we_call_is_covered_by_a_scope() -> None:
    called = {
        name
        for source in SOURCES
        for name in re.findall(r'"((?:auth|chat|conversations|usergroups|users|views)\.[a-zA-Z.]+)"', source)
    }

    assert called - {"users:read.email"} <= set(METHODS)
    assert all(not needed or needed & set(SCOPES) for needed in METHODS.values())


def test_every_address_is_the_one_route_there_is() -> None:
    settings = MANIFEST["settings"]
    addresses = [
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        *[command["url"] for command in MANIFEST["features"]["slash_commands"]],
    ]

    assert set(addresses) == {f"https://signoff.example{EVENTS_PATH}"}


@pytest.mark.parametrize(
    ("where", "most"), [(("display_information", "name"), 35), (("display_information", "description"), 140)]
)
def test_names_are_as_short_as_slack_wants_them(where: tuple[str, str], most: int) -> None:
    assert len(MANIFEST[where[0]][where[1]]) <= most


def test_customers_are_told_that_ai_can_be_wrong() -> None:
    assert "can be wrong" in " ".join(MANIFEST["display_information"]["long_description"].split())


def test_what_an_installation_lacks_is_named_with_what_it_costs() -> None:
    assert missing_scopes(SCOPES) == {}
    assert missing_scopes(set(SCOPES) - {"commands"}) == {"commands": "hears /signoff"}

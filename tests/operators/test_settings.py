"""What an operator is told about the environment and signoff.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from bot.core import policy
from bot.core.policy import Policy
from bot.problems import Misconfigured, Problem
from bot.settings import Settings, load, load_store
from tests.operators.conftest import ENVIRONMENT, POLICY, ROOT, WEBHOOK_SECRET


def told() -> dict[str, Problem]:
    with pytest.raises(Misconfigured) as misconfigured:
        load()
    return {problem.where: problem for problem in misconfigured.value.problems}


def test_a_complete_installation_loads(desk: Path) -> None:
    settings, found = load()

    assert settings.slack_bot_token.get_secret_value() == "xoxb-1-secret"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert found.slack.channel == "C0SUPPORT1"


def test_dotenv_is_read_and_the_environment_wins(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / ".env").write_text("SIGNOFF_PORT=9000\nSLACK_API_URL=http://127.0.0.1:1/api\nUNKNOWN=1\n")
    monkeypatch.setenv("SIGNOFF_PORT", "9001")

    settings, _ = load()

    assert settings.port == 9001
    assert settings.slack_api_url == "http://127.0.0.1:1/api/"


def test_every_problem_of_both_sources_is_told_at_once(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGNOFF_PORT", "eight")
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@localhost/x")
    (desk / "signoff.toml").write_text(
        "[desk]\nhold_seconds = -1\nhold_second = 3\nknowledge = 'nowhere'\n"
        "[channels.orders]\nkind = 'webhook'\nsecret_env = 'ORDERS_WEBHOOK_SECRET'\n"
    )

    assert told().keys() == {
        "SIGNOFF_SECRET",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SIGNOFF_PORT",
        "DATABASE_URL",
        "ORDERS_WEBHOOK_SECRET",
        "signoff.toml:2 desk.hold_seconds",
        "signoff.toml:3 desk.hold_second",
        "signoff.toml:4 desk.knowledge",
        "signoff.toml:1 slack",
    }


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("SIGNOFF_SECRET", "short-secret", "is shorter than 32 characters"),
        ("SLACK_BOT_TOKEN", "xoxp-a-users-token", "does not begin with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-not-an-app-token", "does not begin with xapp-"),
        ("SLACK_API_URL", "slack.com", "should match pattern"),
        ("SIGNOFF_PORT", "70000", "should be less than or equal to 65535"),
        ("SIGNOFF_LOG", "xml", "should be 'auto', 'json' or 'console'"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "names no file"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "names a driver"),
        ("DATABASE_URL", "hunter2", "is not a database's address"),
    ],
)
def test_a_wrong_value_is_named_and_never_repeated(
    desk: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str
) -> None:
    monkeypatch.setenv(variable, value)

    problem = told()[variable]

    assert what in problem.what
    assert problem.remedy
    assert value not in problem.what
    assert "hunter2" not in str(problem)


def test_a_misspelt_variable_is_recognised(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    monkeypatch.setenv("SLACK_BOT_TOKN", "xoxb-1")

    assert "SLACK_BOT_TOKN is set: is that a slip?" in told()["SLACK_BOT_TOKEN"].remedy


def test_socket_mode_needs_no_signing_secret(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")

    settings, _ = load()

    assert settings.slack_signing_secret is None


def test_an_empty_variable_counts_as_unset(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")

    settings, _ = load()

    assert settings.anthropic_api_key is None


TEAMS = POLICY + "[teams]\nteam = '19:general@thread.tacv2'\nchannel = '19:support@thread.tacv2'\n"
LOCAL = "service_url = 'http://127.0.0.1:56150/_connector'\n"
GUID = "00000000-0000-4000-8000-00000000a44d"
ORDERS = POLICY + "[channels.orders]\nkind = 'webhook'\nsecret_env = 'ORDERS_WEBHOOK_SECRET'\n"


def test_a_channels_secrets_come_from_the_variable_it_names(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = "whsec_" + "A" * 32
    monkeypatch.setenv("ORDERS_WEBHOOK_SECRET", f"{WEBHOOK_SECRET} {older}")
    (desk / "signoff.toml").write_text(ORDERS)

    settings, _ = load()

    assert settings.secret_of("ORDERS_WEBHOOK_SECRET") == (WEBHOOK_SECRET, older)
    assert {WEBHOOK_SECRET, older, "xoxb-1-secret"} <= set(settings.secrets())


@pytest.mark.parametrize("value", ["plain", "whsec_", "whsec_short", "whsec_" + "é" * 40, "x" + WEBHOOK_SECRET])
def test_a_channel_secret_that_is_none_is_refused(desk: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ORDERS_WEBHOOK_SECRET", value)
    (desk / "signoff.toml").write_text(ORDERS)

    problem = told()["ORDERS_WEBHOOK_SECRET"]

    assert problem.what == "is not whsec_ and 24 to 64 bytes in base64"
    assert "channels.orders" in problem.remedy


@pytest.mark.parametrize(
    ("toml", "where", "what", "remedy"),
    [
        ("[slack\n", "signoff.toml:1", "is not TOML", "Mend"),
        ("a = 1\nb = \n", "signoff.toml:2", "is not TOML: invalid value", "Mend"),
        ("a = 1\na = 2\n", "signoff.toml:2", "is not TOML: cannot overwrite", "Mend"),
        ("x = '''\n\nopen", "signoff.toml:3", "is not TOML", "Mend"),
        (POLICY + "[desk]\nname = ''", "signoff.toml:5 desk.name", "at least 1 character", "[desk]"),
        (POLICY + "[desks]\nname = 'x'", "signoff.toml:4 desks", "not permitted", "Did you mean desk?"),
        ("[slack]\nchannel = '#support'\nagents = ['U1']", "signoff.toml:2 slack.channel", "pattern", "begins with C"),
        ("[slack]\nchannel = 'C01'", "signoff.toml:1 slack", "nobody may press", "agents_group"),
        (
            POLICY + "[[categories]]\nname = 'a'\n[[categories]]\nname = 'b'\npatterns = [\n  'fine',\n  '(',\n]",
            "signoff.toml:8 categories[2].patterns",
            "'(' is not a regular expression",
            "re module",
        ),
        (
            POLICY + "[[categories]]\nname = 'a'\npriorty = 'low'",
            "signoff.toml:6 categories[1].priorty",
            "not permitted",
            "Did you mean priority?",
        ),
        (TEAMS.replace("19:support", "#support"), "signoff.toml:6 teams.channel", "pattern", "19:…@thread.tacv2"),
        (TEAMS + "grop = 'x'", "signoff.toml:7 teams.grop", "not permitted", "Did you mean group?"),
        (POLICY + "[[categories]]\ntitle = 'a'", "signoff.toml:4 categories[1].name", "is missing", "[categories]"),
        (POLICY + "[[categories]]\nname='a'\n[[categories]]\nname='a'", "signoff.toml:1", "two categories", ""),
        (POLICY + "[channels.shop]\nkind = 'mail'", "signoff.toml:4 channels.shop", "does not match", '"webchat"'),
        (POLICY + "[channels.shop]\ntitle = 'x'", "signoff.toml:4 channels.shop", "unable to extract", '"webchat"'),
        (
            POLICY + "[channels.shop]\nkind = 'webchat'\nallowed_origin = []",
            "signoff.toml:6 channels.shop.allowed_origin",
            "not permitted",
            "Did you mean allowed_origins?",
        ),
        (
            POLICY + "channels.'Shop One' = { kind = 'webchat' }\n",
            "signoff.toml:4 slack.channels",
            "not permitted",
            "Did you mean channel?",
        ),
        (
            "channels.'Shop One' = { kind = 'webchat' }\n" + POLICY,
            "signoff.toml:1 channels.'Shop One'",
            "pattern",
            "lower-case",
        ),
        (
            POLICY + "[channels.orders]\nkind = 'webhook'\nurl = 'ftp://x'\nsecret_env = 'ORDERS_WEBHOOK_SECRET'",
            "signoff.toml:6 channels.orders.url",
            "pattern",
            "https://",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(desk: Path, toml: str, where: str, what: str, remedy: str) -> None:
    (desk / "signoff.toml").write_text(toml)

    problems = told()

    assert where in problems, problems
    assert what in problems[where].what
    assert remedy in problems[where].remedy


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [(None, "signoff.toml", "there is no such file"), (b"a = 1\n# caf\xe9\n", "signoff.toml:2", "is not UTF-8")],
)
def test_a_file_that_cannot_be_read_is_told(desk: Path, content: bytes | None, where: str, what: str) -> None:
    (desk / "signoff.toml").unlink()
    if content is not None:
        (desk / "signoff.toml").write_bytes(content)

    assert told()[where].what == what


def test_teams_needs_an_app_id_a_password_and_a_tenant(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / "signoff.toml").write_text(TEAMS)
    needed = ("MICROSOFT_APP_ID", "MICROSOFT_APP_PASSWORD", "MICROSOFT_APP_TENANT_ID")

    assert {where: problem.what for where, problem in told().items()} == dict.fromkeys(
        needed, "is not set, and signoff.toml has [teams]"
    )
    for name in needed:
        monkeypatch.setenv(name, GUID)
    settings, found = load()
    assert settings.microsoft_app_id == GUID
    assert found.teams is not None
    assert found.teams.channel == "19:support@thread.tacv2"
    assert GUID in settings.secrets()


@pytest.mark.parametrize(
    ("policy_file", "host", "insecure_local", "starts"),
    [
        (TEAMS + LOCAL, "127.0.0.1", True, True),
        (TEAMS + LOCAL, "127.0.0.1", False, False),
        (TEAMS + LOCAL, "0.0.0.0", True, False),
        (TEAMS, "127.0.0.1", True, False),
    ],
    ids=["all local", "not asked for", "others can reach us", "Teams is elsewhere"],
)
def test_an_empty_app_id_starts_for_a_local_teams_only(
    desk: Path, monkeypatch: pytest.MonkeyPatch, policy_file: str, host: str, insecure_local: bool, starts: bool
) -> None:
    (desk / "signoff.toml").write_text(policy_file)
    monkeypatch.setenv("SIGNOFF_HOST", host)
    monkeypatch.setenv("MICROSOFT_APP_ID", "")
    monkeypatch.setenv("MICROSOFT_APP_TENANT_ID", GUID)

    if starts:
        assert load(insecure_local=insecure_local)[0].microsoft_app_id is None
    else:
        with pytest.raises(Misconfigured, match="MICROSOFT_APP_ID"):
            load(insecure_local=insecure_local)


def test_commands_for_the_database_need_no_slack(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)

    assert load_store().database_url == "sqlite+aiosqlite:///signoff.db"


def test_neither_secrets_nor_a_databases_password_are_printed(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://bot:hunter2@db/signoff")

    settings, _ = load()

    assert not [secret for secret in settings.secrets() if secret in repr(settings)]
    assert "hunter2" in settings.secrets()


def test_settings_cannot_be_changed(desk: Path) -> None:
    settings, _ = load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_env_example_has_every_variable_with_its_sentence_and_default() -> None:
    example = (ROOT / ".env.example").read_text()
    described = dict(re.findall(r"^# (.+)\n#?([A-Z_]+)=", example, re.MULTILINE))
    sentences = {variable: sentence for sentence, variable in described.items()}
    defaults = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))

    for field in Settings.model_fields.values():
        assert field.alias is not None
        assert sentences.get(field.alias) == field.description
        assert defaults[field.alias] == ("" if field.is_required() or field.default is None else str(field.default))


def sections() -> list[type[BaseModel]]:
    found = [each for each in vars(policy).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    return [each for each in found if each.__module__ == policy.__name__ and each.model_fields]


def uncommented(example: str) -> str:
    """The example with the keys that are shown as comments switched on."""
    return re.sub(r"^# (?=[a-z_]+ = |\[teams\])", "", example, flags=re.MULTILINE)


@pytest.mark.parametrize("switched_on", [False, True])
def test_the_example_policy_is_valid(switched_on: bool, tmp_path: Path) -> None:
    example = (ROOT / "signoff.example.toml").read_text()

    Policy.model_validate(tomllib.loads(uncommented(example) if switched_on else example))


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_key_of_the_policy_is_in_the_example_and_the_documentation(section: type[BaseModel]) -> None:
    example = uncommented((ROOT / "signoff.example.toml").read_text())
    documented = (ROOT / "docs" / "configuration.md").read_text()

    for name in section.model_fields:
        assert re.search(rf"^(\[+|\[+[a-z]+\.)?{name}\b", example, re.MULTILINE), name
        assert f"`{name}`" in documented or f"[{name}" in documented, name


def test_defaults_shown_in_the_example_are_the_real_ones() -> None:
    """A key that is commented out means what it says."""
    example = (ROOT / "signoff.example.toml").read_text()
    shown = tomllib.loads(uncommented(example))
    real = Policy.model_validate(tomllib.loads(example)).model_dump(mode="json")
    unset = {"knowledge", "model", "agents", "teams", "teams_channel"}  # shown with an example: unset by default

    def compare(here: object, there: object, path: str) -> None:
        if isinstance(here, dict) and isinstance(there, dict):
            for key in here.keys() - unset:
                compare(here[key], there[key], f"{path}.{key}")
        elif isinstance(here, list) and isinstance(there, list):
            assert len(here) == len(there), path
            for one, other in zip(here, there, strict=True):
                compare(one, other, path)
        else:
            assert here == there, path

    compare(shown, real, "")

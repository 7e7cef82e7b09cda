"""What a newcomer is told and given: locked dependencies with reasons, and a README that is true."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.core.policy import ChannelPolicy, Name
from tests.databases import without_postgres
from tests.operators.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
LOCKS = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]],
}
SOURCES = "\n".join(
    path.read_text() for folder in ("bot", "adapters", "storage") for path in ROOT.glob(f"{folder}/**/*.py")
)
# What a package is imported as, where that is not its name with underscores.
MODULES = {
    "psycopg[binary]": "psycopg",
    "uvicorn[standard]": "uvicorn",
    "python-dotenv": "dotenv",
    "botbuilder-core": r"botbuilder\.core",
    "botbuilder-schema": r"botbuilder\.schema",
    "botframework-connector": r"botframework\.connector",
    "pyjwt[crypto]": "jwt",
}


def named(requirement: str) -> str:
    """The package, without extras and bounds."""
    return re.split(r"[\[<>=~ ]", requirement)[0]


def locked(lock: str) -> dict[str, list[str]]:
    """By package with its pin: the lines below it."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            found[line.rstrip(" \\")] = []
        elif line.startswith("    --"):
            list(found.values())[-1].append(line.strip(" \\"))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_has_its_hashes(lock: str) -> None:
    packages = locked(lock)

    assert packages
    for package, hashes in packages.items():
        assert re.match(r"^[a-z0-9.-]+(\[[a-z,]+\])?==\S+", package), package
        assert hashes, package
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), package


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_file(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert not re.findall(r"index|find-links|://|file:|^-e|\.whl|\.tar|^/", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_every_direct_dependency(lock: str) -> None:
    packages = {re.split(r"[\[=]", package)[0] for package in locked(lock)}

    assert {named(requirement) for requirement in LOCKS[lock]} <= packages


def test_both_locks_agree() -> None:
    run, development = locked("requirements.lock"), locked("requirements-dev.lock")

    assert run.keys() <= development.keys()


def test_every_direct_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    for requirement in LOCKS["requirements-dev.lock"]:
        [line] = [line for line in text.splitlines() if line.startswith(f'  "{requirement}",')]
        assert re.search(r'",\s+# \S.{4,}$', line), line


@pytest.mark.parametrize("requirement", PROJECT["project"]["dependencies"])
def test_every_direct_dependency_is_used(requirement: str) -> None:
    name = requirement.split(">")[0]
    module = MODULES.get(name, named(requirement).replace("-", "_"))

    assert re.search(rf"^\s*(?:from|import) {module}\b", SOURCES, re.MULTILINE), module


def test_python_is_asked_for_as_the_readme_says() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in README


@pytest.mark.parametrize("page", ["README.md", *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))])
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text())

    missing = [link for link in links if "://" not in link and not ((ROOT / page).parent / link).exists()]
    assert missing == []


def test_the_readme_says_what_it_is_in_three_sentences_and_shows_the_card() -> None:
    introduction, rest = README.removeprefix("# Signoff\n\n").split("\n\n", 1)

    assert len(re.findall(r"[.!?](?:\s|$)", introduction)) == 3
    [picture] = re.findall(r"^!\[.{20,}\]\((\S+\.png)\)", rest, re.MULTILINE)
    assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")


def test_slack_is_set_up_in_five_steps() -> None:
    section = README.split("## Set up Slack in five steps\n")[1].split("\n## ")[0]

    assert re.findall(r"^(\d)\. ", section, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    for word in ("manifest.yml", "Signing Secret", "agents_group", "migrate", "kb import", "doctor", "run"):
        assert word in section


def test_the_readmes_channels_are_a_valid_policy() -> None:
    [snippet] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)

    channels = TypeAdapter(dict[Name, ChannelPolicy]).validate_python(tomllib.loads(snippet)["channels"])

    assert {name: channel.kind for name, channel in channels.items()} == {"shop": "webchat", "orders": "webhook"}


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "crash", "lock"])
def test_make_knows_what_is_promised(target: str) -> None:
    told = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert told.returncode == 0, told.stderr
    alone = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"make {target} " in alone


def test_ci_runs_the_checks_and_the_readmes_test_command() -> None:
    script = (ROOT / ".ci/run").read_text()

    assert "make test " in README
    assert re.search(r"^make .*\blint\b", script, re.MULTILINE)
    assert re.search(r"^make .*\btest\b", script, re.MULTILINE)
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci/run")], check=False).returncode == 0


def test_ci_skips_neither_the_browser_nor_postgresql() -> None:
    assert re.search(r"^export CI=true\b", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    with pytest.raises(pytest.fail.Exception, match="no PostgreSQL"):
        without_postgres({"CI": "true"})
    with pytest.raises(pytest.skip.Exception, match="no PostgreSQL"):
        without_postgres({})


def test_nothing_that_is_committed_names_a_package_registrys_host() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")

    hosts = re.compile(rb"pypi\." + rb"org|files\.python" + rb"hosted|registry\.npm" + rb"js")
    names = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    assert [name for name in names if hosts.search(Path(ROOT / name).read_bytes())] == []

"""Who works without Teams pays nothing for it: Microsoft's packages take 0.8 seconds and 47 MB."""

import subprocess
import sys

import pytest

FORBIDDEN = ("botbuilder", "botframework", "msrest", "msal")


def loaded_by(*modules: str) -> set[str]:
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return {name.partition(".")[0] for name in ran.stdout.split()}


def test_the_bot_starts_without_microsofts_packages() -> None:
    assert loaded_by("bot.__main__", "bot.app", "bot.host", "bot.settings").isdisjoint(FORBIDDEN)


@pytest.mark.parametrize("module", ["guard", "keys", "hosts", "refs"])
def test_checking_who_knocks_needs_none_of_them(module: str) -> None:
    assert loaded_by(f"bot.surfaces.teams.{module}").isdisjoint(FORBIDDEN)

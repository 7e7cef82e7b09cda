"""The drafter's key and models: whether they exist, and how long still."""

from datetime import datetime, timedelta
from typing import Final

import anthropic
from anthropic.types import ModelInfo
from pydantic import SecretStr

from bot.commands.checks import Finding, fine, wrong
from bot.core.policy import Policy

_TIMEOUT_SECONDS: Final = 15
_SOON: Final = timedelta(days=60)  # time enough to try another model on real questions


async def check_models(policy: Policy, key: SecretStr | None, base_url: str | None, now: datetime) -> list[Finding]:
    if key is None:
        return [fine("drafter", "offline: no ANTHROPIC_API_KEY, and every card says so")]
    async with anthropic.AsyncAnthropic(
        api_key=key.get_secret_value(), base_url=base_url, max_retries=1, timeout=_TIMEOUT_SECONDS
    ) as client:
        return [await _check(client, model, users, now) for model, users in _models(policy).items()]


def _models(policy: Policy) -> dict[str, str]:
    """Every model by its id, with the keys of signoff.toml that name it."""
    named = {"models.triage": policy.models.triage, "models.draft": policy.models.draft}
    named |= {f"category {each.name}": each.model for each in policy.categories if each.model is not None}
    return {model: ", ".join(key for key, value in named.items() if value == model) for model in named.values()}


async def _check(client: anthropic.AsyncAnthropic, model: str, users: str, now: datetime) -> Finding:
    subject = f"model {model}"
    try:
        found = await client.models.retrieve(model)
    except anthropic.NotFoundError:
        return wrong(subject, "does not exist, or this key may not use it", fix=f"Name another model for {users}.")
    except anthropic.AuthenticationError:
        return wrong(subject, "the key is refused", fix="Set ANTHROPIC_API_KEY to a valid key.")
    except anthropic.APIStatusError as error:
        return wrong(subject, f"Claude's API answered {error.status_code}", fix="Try again later; see its status page.")
    except anthropic.APIConnectionError:
        return wrong(subject, "Claude's API cannot be reached", fix="Let this machine reach it, or ANTHROPIC_BASE_URL.")
    except anthropic.APIError:
        return wrong(subject, "the answer is not the API's", fix="See what answers at ANTHROPIC_BASE_URL.")
    return judged(subject, found, users, now)


def judged(subject: str, found: object, users: str, now: datetime) -> Finding:
    """What an answer about a model means for whoever configured it."""
    if not isinstance(found, ModelInfo):  # a gateway's page, with status 200
        return wrong(subject, "the answer is not the API's", fix="See what answers at ANTHROPIC_BASE_URL.")
    lifecycle = getattr(found, "lifecycle", None)
    retires_at = getattr(found, "retires_at", None)  # responses are not validated: any field may be missing
    ends = retires_at if isinstance(retires_at, datetime) else None
    fix = f"Name a newer model for {users} in signoff.toml."
    if lifecycle == "retired":
        return wrong(subject, "is retired", fix=fix)
    if ends is not None and ends - now < _SOON:
        return wrong(subject, f"retires on {ends:%Y-%m-%d}", fix=fix)
    until = f", not before {ends:%Y-%m-%d} to retire" if ends is not None else ""
    return fine(subject, f"{lifecycle or 'there'}{until} ({users})")

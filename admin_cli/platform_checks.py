"""What `atelier doctor` asks of the platforms and of Stripe: one real call each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_cli import bootstrap
from admin_cli.findings import Finding, Outcome
from bots.bootstrap import slack_is_configured
from bots.views.errors import words_for
from core.errors import AtelierError, UserFacingError
from core.money import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bots.settings import Settings


async def examine_platforms(settings: Settings, *, has_database: bool, channel: str = "") -> list[Finding]:
    """Return what every configured platform says, and Stripe where something is sold.

    Args:
        settings: Say which are configured.
        has_database: Whether the database may be read.
        channel: A channel to look at besides: Discord's id, which is a number, or Slack's; empty for none.
    """
    in_discord, in_slack = (channel, "") if channel.isdigit() else ("", channel)
    findings = [finding async for finding in _slack(settings, has_database=has_database, channel=in_slack)]
    asked = any(finding.name == "slack" for finding in findings) if in_slack else settings.discord_token is not None
    if channel and not asked:
        which = "Slack" if in_slack else "Discord"
        findings.append(Finding("channel", Outcome.FAILED, f"{channel} is an id of {which}, which is not configured"))
    if settings.discord_token is not None:
        seen = await bootstrap.examine_discord(settings, channel=in_discord)
        findings += [Finding(found.name, Outcome(found.outcome), found.detail) for found in seen]
    findings += [finding async for finding in _shop(settings)]
    return findings


async def _slack(settings: Settings, *, has_database: bool, channel: str) -> AsyncIterator[Finding]:
    if not (slack_is_configured(settings) or settings.slack_app_token or settings.slack_signing_secret):
        return
    for found in await bootstrap.examine_slack(settings, has_database=has_database, channel=channel):
        outcome = Outcome.WARNING if found.is_warning else Outcome.OK if found.is_ok else Outcome.FAILED
        yield Finding("slack", outcome, found.detail)


async def _shop(settings: Settings) -> AsyncIterator[Finding]:
    if settings.stripe_secret_key is None:
        return
    if not settings.providers:
        yield Finding(
            "stripe", Outcome.FAILED, "no provider's key is set, so nothing is sold: there is nobody to do the work"
        )
    if settings.discord_token is not None:
        yield Finding(
            "stripe",
            Outcome.WARNING,
            "whoever sells to people on Discord keeps Discord's own rule for paid apps: see docs/billing.md",
        )
    try:
        problems = await bootstrap.examine_shop(settings)
    except ValueError as error:
        yield Finding("stripe", Outcome.FAILED, str(error))
        return
    except AtelierError as error:
        said = words_for(error, Unit.CREDITS).sentence if isinstance(error, UserFacingError) else type(error).__name__
        yield Finding("stripe", Outcome.FAILED, said)
        return
    for problem in problems:
        outcome = Outcome.WARNING if problem.is_warning else Outcome.FAILED
        yield Finding("stripe", outcome, f"{problem.subject}: {problem.text}")
    if all(problem.is_warning for problem in problems):
        yield Finding("stripe", Outcome.OK, "the account answered, and every price can be bought")

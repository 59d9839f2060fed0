"""`atelier doctor` asks every platform that is configured, and Stripe, once."""

from pathlib import Path

import pytest

from admin_cli.checks import examine
from core.clock import SystemClock
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.permissions import Permission
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant
from tests.fakes.stripe.local import LocalStripe

pytestmark = pytest.mark.loopback


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with a new database in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    return monkeypatch


async def found(name: str, channel: str = "") -> list[tuple[str, str]]:
    findings = await examine(call_providers=True, channel=channel)
    return [(item.outcome.value, item.detail) for item in findings if item.name.startswith(name)]


def installed(slack: LocalSlack, here: pytest.MonkeyPatch) -> Grant:
    """Install the app in a workspace and configure it here."""
    grant = slack.world.install(slack.north, slack.ann)
    here.setenv("SLACK_BOT_TOKEN", grant.token)
    here.setenv("SLACK_SIGNING_SECRET", slack.world.app.signing_secret)
    here.setenv("SLACK_API_URL", slack.api_url)
    here.setenv("PUBLIC_URL", "https://atelier.example")
    return grant


async def test_a_workspace_of_slack_answers(here: pytest.MonkeyPatch) -> None:
    """With token, secret and address all is well; doctor says who we are there."""
    async with LocalSlack(SystemClock()) as slack:
        installed(slack, here)
        findings = await found("slack")
        assert [outcome for outcome, _ in findings] == ["ok"] * len(findings)
        assert any("answered" in detail for _, detail in findings)
        here.setenv("SLACK_BOT_TOKEN", "xoxb-wrong")
        ((outcome, detail),) = await found("slack")
        assert outcome == "failed"
        assert "SLACK_BOT_TOKEN" in detail


async def test_what_slack_lacks_is_named(here: pytest.MonkeyPatch) -> None:
    """Without a way for events to come in, doctor names the variables, and calls nobody."""
    here.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    details = " ".join(detail for outcome, detail in await found("slack") if outcome == "failed")
    assert "SLACK_SIGNING_SECRET" in details
    assert "PUBLIC_URL" in details


async def test_discord_lets_the_app_in_or_says_why_not(here: pytest.MonkeyPatch) -> None:
    """One login; a wrong token is named."""
    async with LocalDiscord(SystemClock()) as discord:
        with discord.pointed():
            here.setenv("DISCORD_TOKEN", discord.token)
            here.setenv("DISCORD_API_URL", discord.api_url)
            assert ("ok", "logged in as") in [(outcome, detail[:12]) for outcome, detail in await found("discord")]
            here.setenv("DISCORD_TOKEN", "wrong")
            ((outcome, detail),) = await found("discord")
            assert outcome == "failed"
            assert "DISCORD_TOKEN" in detail


async def test_what_the_app_may_do_in_a_channel_of_discord(here: pytest.MonkeyPatch) -> None:
    """Intents and permissions; what is missing has the name under which an admin finds it."""
    async with LocalDiscord(SystemClock()) as discord:
        with discord.pointed():
            here.setenv("DISCORD_TOKEN", discord.token)
            here.setenv("DISCORD_API_URL", discord.api_url)
            name, channel = f"discord channel {discord.general.id}", discord.general.id
            assert await found(name, channel) == [("ok", "sessions work")]
            assert [outcome for outcome, _ in await found("discord intents", channel)] == ["ok"]
            discord.deny(discord.general, discord.world.bot, Permission.CREATE_PUBLIC_THREADS)
            assert await found(name, channel) == [("failed", "the app lacks Create Public Threads")]
            ((outcome, detail),) = await found("channel", "C0GENERAL")
            assert (outcome, "Slack, which is not configured" in detail) == ("failed", True)


async def test_whether_the_app_is_in_a_channel_of_slack(here: pytest.MonkeyPatch) -> None:
    """In a public channel, too, nothing that people reply would come in without the invitation."""
    async with LocalSlack(SystemClock()) as slack:
        grant = installed(slack, here)
        channel = slack.general.id
        assert ("failed", f"channel {channel}: type /invite @Atelier there first") in await found("slack", channel)
        slack.general.members.add(grant.user_id)
        assert ("ok", f"channel {channel}: sessions work") in await found("slack", channel)
        assert any(outcome == "failed" and "C0NONE" in detail for outcome, detail in await found("slack", "C0NONE"))
        ((outcome, detail),) = await found("channel", "123456789012345678")
        assert (outcome, "Discord, which is not configured" in detail) == ("failed", True)


async def test_a_shop_without_anybody_to_do_the_work_is_red(here: pytest.MonkeyPatch) -> None:
    """With Stripe and without a provider nothing is sold, and doctor says so beside what Stripe answers."""
    async with LocalStripe(SystemClock()) as stripe:
        here.setenv("STRIPE_SECRET_KEY", stripe.test_key)
        here.setenv("STRIPE_API_URL", stripe.url)
        findings = await found("stripe")
    said = " ".join(detail for outcome, detail in findings if outcome == "failed")
    assert "nothing is sold" in said
    assert not [detail for _, detail in findings if "Discord" in detail]
    assert "STRIPE_WEBHOOK_SECRET" in said


async def test_whoever_sells_on_discord_is_told_of_its_rule(here: pytest.MonkeyPatch) -> None:
    """Discord has a rule of its own for paid apps: doctor points to the docs, and those say it."""
    async with LocalDiscord(SystemClock()) as discord, LocalStripe(SystemClock()) as stripe:
        with discord.pointed():
            here.setenv("DISCORD_TOKEN", discord.token)
            here.setenv("DISCORD_API_URL", discord.api_url)
            here.setenv("STRIPE_SECRET_KEY", stripe.test_key)
            here.setenv("STRIPE_API_URL", stripe.url)
            findings = await found("stripe")
    (rule,) = [detail for outcome, detail in findings if outcome == "warning" and "Discord" in detail]
    assert "docs/billing.md" in rule
    page = (Path(__file__).parents[2] / "docs/billing.md").read_text(encoding="utf-8")
    assert "Premium Apps" in page.partition("### On Discord")[2]

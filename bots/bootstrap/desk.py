"""The desk, and what listens to the platforms for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from bots.bootstrap.composition import Parts
    from bots.desk.desk import Desk
    from bots.desk.tools import Part
    from core.sessions.requests import Upload

_SAMPLE = Path(__file__).parents[2] / "samples" / "proposal.docx"
_VENDORS = {"anthropic": "Anthropic", "google": "Google", "openai": "OpenAI"}


def open_desk(parts: Parts, stack: AsyncExitStack) -> None:
    """Make the desk and what listens for it, where this process reaches any platform."""
    platforms = parts.platforms
    if not platforms.reaches:
        return
    platforms.desk = _make_desk(parts)
    stack.push_async_callback(platforms.desk.inbox.aclose)
    if platforms.slack is not None:
        from bots.slack.listening import listen_to_slack

        platforms.ears = listen_to_slack(
            platforms.slack,
            parts.settings,
            platforms.desk,
            store=parts.database,
            sessions=parts.sessions,
            clock=parts.clock,
        )
    if platforms.discord is not None:
        from bots.discord.assembly import DiscordEars

        platforms.gateway = DiscordEars(
            platforms.discord,
            parts.settings,
            platforms.desk,
            store=parts.database,
            sessions=parts.sessions,
            clock=parts.clock,
        )


def _make_desk(parts: Parts) -> Desk:
    from bots.desk.desk import Desk

    return Desk(
        store=parts.database,
        sessions=parts.sessions,
        intake=parts.intake,
        poster=parts.poster,
        files=parts.files,
        registry=parts.registry,
        prices=parts.prices,
        tariff=parts.tariff,
        ledger=parts.ledger,
        clock=parts.clock,
        vendors=_vendors(parts),
        doors=parts.platforms.doors,
        sample=_sample(),
        own_retention_days=parts.settings.retention_days,
        more=(_billing(parts),),
    )


def _billing(parts: Parts) -> Part:
    """Return what the desk says about money; where nothing is sold that is one line."""
    from bots.desk.billing import billing_part
    from core.billing.overview import BillingReader

    shop = parts.shop
    reader = BillingReader(
        store=parts.database,
        prices=parts.prices,
        ledger=parts.ledger,
        clock=parts.clock,
        catalogue=shop.catalogue if shop is not None else None,
    )
    if shop is None:
        return billing_part(reader)
    return billing_part(reader, shop.service, welcome=shop.monthly.welcome)


def _vendors(parts: Parts) -> tuple[str, ...]:
    """Return who gets the text, as people know them; a server of the operator's own is none of the vendors."""
    own = {"openai"} if parts.settings.openai_base_url else set()
    return tuple(
        "a server of the operator" if name in own else _VENDORS.get(name, name)
        for name in parts.registry.configured_providers()
    )


def _sample() -> Upload | None:
    from core.sessions.requests import Upload

    return Upload(_SAMPLE.name, _SAMPLE.read_bytes()) if _SAMPLE.exists() else None

"""The web pages at the two ends of an installation: nothing to load, nothing to follow but what they say."""

from collections.abc import Sequence
from html import escape

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds the code
    "X-Content-Type-Options": "nosniff",
}

THINGS_TO_TRY = (
    ("Start from a brief", "In a channel, type", "/atelier new Announce our new opening hours to regular customers"),
    ("Have a file edited", "Upload a Word file and, in the same message, write", "@Atelier tighten this"),
    ("Try it alone first", "Drop a file into Atelier's own messages, or open its Home tab for", "a free sample"),
)

_REASONS = {
    "access_denied": (
        "Nothing was installed",
        "You closed Slack's page before agreeing. Atelier has no access to your Slack.",
    ),
    "invalid_browser": (
        "This page was opened on its own",
        "An installation has to begin and end in the same browser, and within ten minutes. Please start again here.",
    ),
    "invalid_state": (
        "This took too long, or was used before",
        "An installation has to be finished within ten minutes, and each link is good for once. Please start again.",
    ),
    "missing_code": ("Slack sent nothing to go on", "Its answer had no code in it. Please start again."),
    "invalid_code": (
        "Slack did not accept the installation",
        "Its code was used before or is too old. Please start again.",
    ),
    "no_token": (
        "Slack gave Atelier no access",
        "The app at Slack asks for no bot. Whoever runs this Atelier has to set it up anew: `atelier slack manifest`.",
    ),
    "unreachable": ("Slack did not answer", "Nothing was installed. Please try again in a minute."),
    "storage_error": (
        "Atelier could not keep the installation",
        "Its database did not answer. Please try again in a minute.",
    ),
}
_OTHER = ("Something went wrong at Slack", "Nothing was installed. Please start again.")


def success_page(*, name: str, team_id: str, app_id: str, enterprise_url: str = "") -> str:
    """Return the page after an installation.

    Args:
        name: What people call the team or organisation.
        team_id: Empty for a whole organisation.
        app_id: Slack's id of the app.
        enterprise_url: Where an organisation's admins say in which of their workspaces the app is; empty if unknown.
    """
    where = escape(name or "your Slack")
    tries = "".join(
        f"<li><b>{escape(title)}.</b> {escape(before)} <code>{escape(what)}</code></li>"
        for title, before, what in THINGS_TO_TRY
    )
    return _page(
        "Atelier is installed",
        f"<p>It is in {where} now. Everybody there can use it.</p>",
        f"<p>{' '.join(_links(team_id, app_id, enterprise_url))}</p>",
        f"<h2>Three things to try</h2><ol>{tries}</ol>",
        "<p class=small>Atelier is an AI and can be wrong. It reads what you give it, and nothing else in your Slack."
        "</p>",
    )


def failure_page(reason: str, *, install_path: str) -> str:
    """Return the page after an installation that came to nothing; *reason* is Slack's code or one of ours."""
    title, words = _REASONS.get(reason, _OTHER)
    code = "" if reason in _REASONS else f"<p class=small>Slack's word for it: {escape(reason[:80])}</p>"
    return _page(
        title,
        f"<p>{escape(words)}</p>",
        f'<p><a class=button href="{escape(install_path)}">Start again</a></p>',
        code,
    )


def _links(team_id: str, app_id: str, enterprise_url: str) -> Sequence[str]:
    if team_id:
        app = f"slack://app?team={team_id}&id={app_id}"
        web = f"https://app.slack.com/client/{team_id}"
        return (_button(app, "Open Atelier"), f'<a href="{escape(web)}">or open Slack in the browser</a>')
    if enterprise_url.startswith("https://"):
        manage = f"{enterprise_url}manage/organization/apps/profile/{app_id}/workspaces/add"
        return (_button(manage, "Choose its workspaces"), '<a href="slack://open">or open Slack</a>')
    return (_button("slack://open", "Open Slack"),)


def _button(url: str, label: str) -> str:
    return f'<a class=button href="{escape(url)}">{escape(label)}</a>'


def _page(title: str, *parts: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem;
        color: #1d1c1d; background: #fff; }}
.button {{ display: inline-block; padding: .6rem 1.2rem; border-radius: .4rem; background: #3b2a5c; color: #fff;
           text-decoration: none; margin-right: .6rem; }}
code {{ background: #f1eff4; padding: .1rem .3rem; border-radius: .2rem; }}
li {{ margin: .6rem 0; }}
.small {{ font-size: .9rem; color: #5c5a5d; }}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
{"".join(parts)}
</body>
</html>
"""

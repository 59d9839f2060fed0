"""A local Slack for tests, which the unmodified slack_sdk and slack_bolt talk to over sockets of this machine.

    async with LocalSlack(clock) as slack:
        grant = slack.world.install(slack.north, slack.ann)  # or the way of OAuth: slack.authorize_url, slack.agree
        slack.general.members.add(grant.user_id)
        client = AsyncWebClient(token=grant.token, base_url=slack.api_url, session=session, retry_handlers=[])
        slack.world.app.request_url = ...  # where the app listens; without one, events go through Socket Mode

What people do: `say`, `edit`, `delete`, `react`, `upload`, `command`, `click`, `submit`, `dismiss`, `message_shortcut`,
`global_shortcut`, `open_home`, `invite_app`, `remove_app`, `archive`, `press_stop`, `uninstall`, `revoke`.
What is seen: `messages`, `said_by_app`, `ephemeral`, `direct_messages`, `files`, `modal`, `home`, `with_key`, `mentions`,
`until`; `api.calls`, `api.count`, `api.problems`; `delivering.sent`. What goes wrong: `faults.add`, `faults.seed`.
"""

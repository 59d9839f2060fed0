"""A local Discord for tests, which the unmodified discord.py talks to over sockets of this machine.

    async with LocalDiscord(clock) as discord:  # north with #general, ann (owner) and ben; south with #southern and sue
        settings.discord_api_url, settings.discord_gateway_url = discord.api_url, discord.gateway_url
        with discord.pointed():  # or what the product does with these two addresses
            ...  # client.start(discord.token)
            await discord.connected()
            one = await discord.slash(discord.ann, discord.general, "atelier new", brief="…", file=("a.md", b"…"))
            card = (await discord.until(lambda: discord.said_by_app(discord.general)))[0]
            await discord.press(discord.ben, card, "atelier:stop:…")

Hands: `say`, `edit`, `delete`, `react`, `unreact`, `type`, `slash`, `slash_soon`, `autocomplete`, `menu`, `press`,
`press_soon`, `press_label`, `submit`, `start_thread`, `join_thread`, `archive`, `unarchive`, `delete_channel`,
`add_channel`, `allow`, `deny`, `grant`, `join`, `leave`, `invite_app`, `remove_app`, `begin_outage`, `end_outage`, `lose`,
`announce_again`; `world.add_user`, `world.add_guild`, `world.add_channel`.
Eyes: `messages`, `said_by_app`, `ephemeral`, `threads`, `direct_messages`, `pings`, `without_allowed_mentions`,
`with_component_id`, `with_nonce`, `files`, `commands`, `until`, `connected`; an `Interaction` with its `text`,
`modal`, `refusals`; a `Message` with its `text`, `controls`, `editions`, `pinged`; `api.calls`, `api.made`, `api.count`,
`api.problems` (what Discord's OpenAPI says against either side); `rates.refused`, `rates.invalid`; `cdn.downloads`;
`gateway.received`, `gateway.identifies`, `gateway.resumes`.
What goes wrong: `faults.add(Trouble.…, "POST /channels/{channel_id}/messages")`, `faults.seed`; on the gateway `drop`,
`cut`, `ask_to_reconnect`, `invalidate`, `forget`, `inject`, `inject_raw`, `repeat_last`, and `acks = False` for a zombie;
`world.message_content = False` for an intent that the developer portal refuses; `User.accepts_direct = False`.
"""

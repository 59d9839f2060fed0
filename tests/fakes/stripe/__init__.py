"""A local Stripe for tests, which the unmodified stripe SDK talks to over sockets of this machine.

    async with LocalStripe(clock) as local:  # local.url is STRIPE_API_URL
        http = stripe.AIOHTTPClient(timeout=10)
        client = stripe.StripeClient(local.test_key, base_addresses={"api": local.url}, http_client=http, ...)
        starter = local.add_price("Starter", 2900, interval="month", lookup_key="starter")
        local.webhooks.url = ...  # where the app listens; nothing is sent until `await local.deliver()`

It has one account with a test and a live half (`test_key`, `live_key`). Parameters are checked against the SDK's own types
of the pinned API version; what Stripe knows and this one does not play is refused with 501 and stands in `api.problems`.
Time is the clock that was given: `advance` moves it, and whatever is due (renewals, retries, expiry of pages) happens then,
each matter dated at its own moment, or with the next request.

Hands, what people and banks do: `pay`, `settle`, `add_price`, `advance`.
Eyes, what is seen: `events`, `all`; `api.calls`, `api.counts`, `api.problems`; `webhooks.attempts`, `.pending`, `.failed`.
Webhooks: `deliver`, `webhooks.retry`, `.hold`, `.release`, `.drop`, `.duplicate`, `.reorder`, `.delay`, `.damage`, `.push`,
`.send`, `.post`, `.sign`; `.secrets`, `.version` (old shapes), `.enabled`, `.signing_clock`.
Faults: `faults.add(Trouble.LOST_ANSWER, "POST /v1/customers")`, `world.cards`, `world.tax_percent`, `world.retry_days`,
`world.after_retries`, `world.refunds_settle`.
"""

"""A local Stripe for tests, which the unmodified stripe SDK talks to over sockets of this machine.

    async with LocalStripe(clock) as local:  # local.url is STRIPE_API_URL
        http = stripe.AIOHTTPClient(timeout=10)
        client = stripe.StripeClient(local.test_key, base_addresses={"api": local.url}, http_client=http, ...)
        starter = local.add_price("Starter", 2900, interval="month", lookup_key="starter")
        local.webhooks.url = ...  # where the app listens; nothing is sent until `await local.deliver()`

It has one account with a test and a live half (`test_key`, `live_key`). Parameters are checked against the SDK's own types
of the pinned API version; what Stripe knows and this one does not play is refused with 501 and stands in `api.problems`.
Time is the clock that was given: `advance` moves it, and whatever is due (renewals, retries, expiry of pages) happens then,
each matter dated at its own moment, or with the next request, hand or delivery.

Hands, what people do: `pay` (a checkout page), `pay_invoice` (a hosted invoice), `portal` (a page with `cancel`, `keep`,
`change_plan`, `confirm`, `update_card`); a page that does not do what they ask raises `PageRefusal`. What the owner and
banks do: `add_price`, `refund`, `end_refund`, `settle` (a bank debit), `set_card`, `dispute`, `close_dispute`,
`warn_of_fraud`, `advance`.
Eyes, what is seen: `events`, `all`, `charge_of`; `api.calls`, `api.counts`, `api.problems`; `webhooks.attempts`,
`webhooks.pending`, `webhooks.failed`.
Webhooks: `deliver`, then `webhooks.retry`, `.hold`, `.release`, `.drop`, `.duplicate`, `.reorder`, `.delay`, `.damage`,
`.push`, `.send`, `.post`, `.sign`; `.secrets`, `.version` (older ones get older shapes), `.enabled`, `.signing_clock`.
`forging` makes events without an id, of another account, mode or type, doubles, and thin ones.
Faults: `faults.add(Trouble.LOST_ANSWER, "POST /v1/customers")`; `world.tax_percent`, `world.retry_days`,
`world.after_retries`, `world.upcoming_days`, `world.refunds_settle` are how the account is set up.
"""

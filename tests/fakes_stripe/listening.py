"""An app that takes webhooks."""

from dataclasses import dataclass, field

from aiohttp import web
from stripe import SignatureVerificationError, WebhookSignature

from tests.fakes.stripe.model import Json

SECRET = "whsec_local"


@dataclass
class Listener:
    """What arrived, and what is answered.

    Attributes:
        statuses: Answers to come; 200 when there is none.
        tolerance: In seconds of the machine's clock, None to take any age.
    """

    url: str = ""
    secret: str = SECRET
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    taken: list[Json] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        try:
            WebhookSignature.verify_header(body, request.headers.get("Stripe-Signature"), self.secret, None)
            event = await request.json()
        except (SignatureVerificationError, ValueError):
            return web.Response(status=400)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.taken.append(event)
        return web.Response(status=status)

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.taken]

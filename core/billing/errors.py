"""What can go wrong with money."""

from core.errors import AtelierError, ConflictError, TransientError, UserFacingError


class NothingSold(UserFacingError):
    """This installation sells nothing: no Stripe key, no price, or no provider that could do the work."""

    code = "billing_off"


class NotABuyer(UserFacingError):
    """The member may not buy for this workspace.

    Attributes:
        workspace_id: Whose bill it would be.
    """

    code = "buyer_required"

    def __init__(self, workspace_id: str) -> None:
        super().__init__(f"not a buyer of {workspace_id}")
        self.workspace_id = workspace_id


class UnknownProduct(UserFacingError):
    """Nothing of this name is for sale.

    Attributes:
        key: What was asked for.
        known: What there is.
    """

    code = "product_unknown"

    def __init__(self, key: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{key!r} is none of {', '.join(known)}")
        self.key = key
        self.known = known


class AlreadySubscribed(UserFacingError):
    """The workspace has this plan.

    Attributes:
        tier: Key of the plan.
    """

    code = "plan_unchanged"

    def __init__(self, tier: str) -> None:
        super().__init__(f"the plan is {tier} already")
        self.tier = tier


class HighestPlan(UserFacingError):
    """The workspace has the highest plan that is sold, so there is none to go up to.

    Attributes:
        tier: Key of the plan.
    """

    code = "plan_highest"

    def __init__(self, tier: str) -> None:
        super().__init__(f"{tier} is the highest plan")
        self.tier = tier


class NoSubscription(UserFacingError):
    """There is no subscription that could be managed."""

    code = "subscription_missing"


class PaymentPending(UserFacingError):
    """A payment for the same thing is on its way; a second one would be paid twice."""

    code = "payment_pending"


class PurchasesFrozen(UserFacingError):
    """A payment is disputed; until that is decided nothing is sold to this workspace."""

    code = "purchases_frozen"


class BillingUnavailable(TransientError, UserFacingError):
    """Stripe does not answer, or not now.

    Attributes:
        is_kept: Whether Stripe failed while it acted, and so gives this same answer to every repeat with the same key.
    """

    code = "billing_unavailable"

    def __init__(self, message: str, *, is_kept: bool = False) -> None:
        super().__init__(message)
        self.is_kept = is_kept


class BillingRefused(AtelierError):
    """Stripe refuses a request: a fault of ours or of the configuration.

    Attributes:
        code: Stripe's name for it, such as ``resource_missing``.
        param: The parameter that it is about.
    """

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class BadSignature(AtelierError):
    """What claims to come from Stripe was not signed by Stripe, or not now."""


class MalformedEvent(AtelierError):
    """It is signed, but it is no event."""


class StateMoved(ConflictError):
    """Somebody stored a newer state of the same workspace while ours was fetched; fetch again."""

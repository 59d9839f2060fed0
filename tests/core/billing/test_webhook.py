"""What is believed of a webhook: only what Stripe signed, now, byte for byte."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature

from core.billing.errors import BadSignature, MalformedEvent
from core.billing.webhook import TOLERANCE_SECONDS, read_event, verify

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "whsec_one"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "created": 1_700_000_000,
    "livemode": False,
    "api_version": "2026-10-28.endive",
    "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
}
BODY = json.dumps(EVENT).encode()


def sign(body: bytes = BODY, secret: str = SECRET, *, at: datetime = NOW) -> str:
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp())))


def is_believed(body: bytes, header: str, *secrets: str) -> bool:
    try:
        verify(body, header, secrets or (SECRET,), now=NOW)
    except BadSignature:
        return False
    return True


def test_the_sdks_own_signature_is_believed() -> None:
    """What the SDK signs is right here too."""
    assert is_believed(BODY, sign())


def test_secrets_can_be_rotated() -> None:
    """While one secret replaces another, either one will do, on both sides."""
    assert is_believed(BODY, sign(secret="old"), "new", "old")
    both = f"{sign(secret='old')},{sign(secret='new').partition(',')[2]}"
    assert is_believed(BODY, both, "new")
    assert not is_believed(BODY, both, "other")


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, -31_536_000, 31_536_000])
def test_it_must_have_been_signed_now(seconds: int) -> None:
    """An old signature is a replay, and one from the future will be one: five minutes, both ways."""
    assert not is_believed(BODY, sign(at=NOW + timedelta(seconds=seconds)))
    edge = TOLERANCE_SECONDS if seconds > 0 else -TOLERANCE_SECONDS
    assert is_believed(BODY, sign(at=NOW + timedelta(seconds=edge)))


@pytest.mark.parametrize("secret", ["", " ", "\n"], ids=["none", "space", "newline"])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    """A secret that is not set is not the key to everything."""
    assert not is_believed(BODY, sign(secret=secret), secret)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=abc",
        "t=1763899200",
        "t=x,v1=abc",
        "t=1,t=2,v1=abc",
        "t=²,v1=abc",
        "t=99999999999999999999999999,v1=abc",
        "t=1763899200,v0=abc",
        "\udcff,t=1763899200,v1=\udcff",
        ",=,,",
    ],
    ids=range(11),
)
def test_a_broken_header_is_refused(header: str) -> None:
    """Whatever stands in the header, the answer is no, and not an error."""
    assert not is_believed(BODY, header)


@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(at: int, bit: int) -> None:
    """The signature is over every bit."""
    tampered = bytearray(BODY)
    tampered[at] ^= 1 << bit
    assert not is_believed(bytes(tampered), sign())


@given(body=st.text(alphabet=st.characters(exclude_categories=["Cs"])), secret=st.text("abc", min_size=1))
def test_it_agrees_with_the_sdk(body: str, secret: str) -> None:
    """Our check and the SDK's say the same of what either secret signed."""
    header = sign(body.encode(), secret)
    for other in (secret, f"{secret}x"):
        try:
            WebhookSignature.verify_header(body, header, other)
            expected = True
        except SignatureVerificationError:
            expected = False
        assert is_believed(body.encode(), header, other) is expected


def test_bytes_that_are_no_text_are_no_obstacle() -> None:
    """The raw bytes are signed, so they need not be UTF-8 to be refused in good order."""
    assert not is_believed(b"\xff\xfe", sign())


def test_an_event_is_reduced_to_a_hint() -> None:
    """What it is, what it is about and whose it is."""
    hint = read_event(BODY)
    assert (hint.id, hint.type, hint.object_id, hint.customer_id) == ("evt_1", "invoice.paid", "in_1", "cus_1")
    assert (hint.livemode, hint.account, hint.api_version) == (False, "", "2026-10-28.endive")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"id": "cus_2", "object": "customer"}, ("cus_2", "cus_2")),
        ({"id": "in_1", "customer": {"id": "cus_3"}}, ("in_1", "cus_3")),
        ({"id": "in_1", "customer": None}, ("in_1", "")),
        ({"object": "balance"}, ("", "")),
        ({"id": 7, "customer": ["x"]}, ("", "")),
    ],
    ids=["customer", "expanded", "nobody", "no id", "odd"],
)
def test_subjects_of_every_shape_are_read(subject: object, expected: tuple[str, str]) -> None:
    """Old and new shapes, expanded or not, say whose they are if they say it at all."""
    hint = read_event(json.dumps({**EVENT, "data": {"object": subject}}).encode())
    assert (hint.object_id, hint.customer_id) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"evt"',
        b"{",
        b"\xff",
        b"[" * 100_000,
        json.dumps({**EVENT, "id": None}).encode(),
        json.dumps({**EVENT, "id": ""}).encode(),
        json.dumps({**EVENT, "id": 5}).encode(),
        json.dumps({**EVENT, "type": None}).encode(),
        json.dumps({**EVENT, "data": None}).encode(),
        json.dumps({**EVENT, "data": []}).encode(),
        json.dumps({**EVENT, "data": {"object": "in_1"}}).encode(),
        json.dumps({**EVENT, "created": None}).encode(),
        json.dumps({**EVENT, "created": 10**30}).encode(),
        json.dumps({**EVENT, "livemode": "perhaps"}).encode(),
        b'{"object": "v2.core.event", "id": "evt_2", "type": "v1.billing.meter.error"}',
    ],
    ids=range(18),
)
def test_what_is_no_event_is_said_so(body: bytes) -> None:
    """Signed or not, something without id, type, time or object is malformed, and nothing worse."""
    with pytest.raises(MalformedEvent):
        read_event(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.sampled_from(["id", "type", "data", "object", "created", "livemode", "account"]), x)
        ),
    )
)
def test_no_json_breaks_it(body: object) -> None:
    """Any JSON is an event or malformed."""
    try:
        read_event(json.dumps(body).encode())
    except MalformedEvent:
        return

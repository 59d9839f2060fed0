"""discord.py without any change, not even of an address: only the names of Discord's hosts lead here."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typing_extensions import override

from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord
from tests.fakes_discord.bot import Bot

pytestmark = pytest.mark.loopback

HOSTS = ("discord.com", "gateway.discord.gg", "cdn.discordapp.com")


class Here(AbstractResolver):
    """Finds every host on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        assert host in HOSTS
        found: ResolveResult = {
            "hostname": host,
            "host": "127.0.0.1",
            "port": self._port,
            "family": socket.AF_INET,
            "proto": 0,
            "flags": socket.AI_NUMERICHOST,
        }
        return [found]

    @override
    async def close(self) -> None:
        return


def write_certificate(folder: Path) -> Path:
    """Write a certificate of Discord's hosts with its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local discord")])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "local.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def test_the_client_believes_to_speak_to_discord(clock: FakeClock, tmp_path: Path) -> None:
    """A command, its file, the answer and a thread, over the names and certificates of Discord's hosts."""
    file = write_certificate(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(file)
    async with LocalDiscord(clock, tls=ours) as place:
        place.world.base, place.world.gateway_url = "https://cdn.discordapp.com", "wss://gateway.discord.gg/"
        theirs = ssl.create_default_context(cafile=str(file))
        async with Bot(connector=aiohttp.TCPConnector(resolver=Here(place.port), ssl=theirs)) as bot:
            running = asyncio.create_task(bot.start(place.token))
            await place.until(lambda: bot.had("ready") or running.done())
            one = await place.slash(place.ann, place.general, "atelier new", brief="cut", file=("a.md", b"hello"))
            await place.until(lambda: [room for room in place.threads(place.general) if place.messages(room)])
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)
    assert one.text == "cut, 5 bytes"
    assert place.api.problems == []

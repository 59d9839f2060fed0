"""The web server: small routes over services, started and stopped with the process."""

from collections.abc import Iterable

from aiohttp import web

from bots.http.health import Health
from bots.http.metrics import CONTENT_TYPE, Metrics

_MAX_BODY_BYTES = 1024 * 1024
_GRACE_SECONDS = 10.0


def make_app(health: Health, metrics: Metrics, *, routes: Iterable[web.RouteDef] = ()) -> web.Application:
    """Return the application; *routes* are those of the platforms that are configured."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)

    async def healthz(_: web.Request) -> web.Response:
        """The process answers: whoever restarts processes needs no more."""
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        """Database and engine answer; with how long ago each source last sent something."""
        found = await health.check()
        body = {
            "status": "ready" if found.is_ready else "not ready",
            "checks": dict(found.checks),
            "inbound_age_seconds": dict(found.inbound_age_seconds),
        }
        return web.json_response(body, status=200 if found.is_ready else 503)

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=await metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_routes(list(routes))
    return app


class HttpServer:
    """Listens while the process runs."""

    def __init__(self, app: web.Application, *, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_SECONDS, handle_signals=False)
        self._host = host
        self._port = port

    async def start(self) -> int:
        """Listen and return the port, which the system chose if 0 was asked.

        Raises:
            OSError: If the port is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        addresses: list[tuple[str, int]] = self._runner.addresses
        return addresses[0][1]

    async def aclose(self) -> None:
        """Take no new requests, let those that run finish for a few seconds."""
        await self._runner.cleanup()

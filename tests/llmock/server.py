"""llmock 0.2.2 as a process of its own, in its own locked environment: faults on demand, and a verdict on the client."""

import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
PROGRAM = _ROOT / ".venv-llmock" / "bin" / "llmock"
_COMMAND = (str(PROGRAM), "serve", "--host", "127.0.0.1", "--log-level", "error", "--stream-chunk-delay-ms", "5")
_START_SECONDS = 30.0


class LlmockServer:
    """Talks to the control interface of a running llmock.

    Attributes:
        url: Where it listens, without a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def base_urls(self) -> dict[str, str]:
        """The address of each provider's imitation."""
        return {"anthropic": f"{self.url}/anthropic", "google": f"{self.url}/gemini/v1beta", "openai": f"{self.url}/v1"}

    def arm(self, *behaviours: dict[str, Any]) -> None:
        """Queue behaviours; each is used up by the next request that it fits."""
        self._call("POST", "/_llmock/scenario", {"behaviors": list(behaviours)})

    def reset(self) -> None:
        """Forget every behaviour and every request."""
        self._call("POST", "/_llmock/reset")

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "/_llmock/requests")["requests"]
        return found

    def findings(self) -> list[str]:
        """Return what llmock holds against its client."""
        return [finding["code"] for finding in self._call("GET", "/_llmock/verdict")["findings"]]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own server
            found: dict[str, Any] = json.load(answer)
            return found


@contextlib.contextmanager
def running(port: int) -> Iterator[LlmockServer]:
    """Run llmock on *port* of this machine until the block ends."""
    server = LlmockServer(f"http://127.0.0.1:{port}")
    process = subprocess.Popen(
        # A pause between chunks, so that it can be seen whether a client stops reading.
        [*_COMMAND, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    try:
        _await_health(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await_health(server: LlmockServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"llmock ended with {process.returncode}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            server._call("GET", "/health")
            return
        time.sleep(0.05)  # another process starts: there is nothing else to wait for
    raise RuntimeError("llmock did not start")

"""Ends of connections, and answers that are none."""

from aiohttp import web

from tests.fakes.slack.faults import Fault, Trouble

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Slack</body></html>"


def cut(request: web.Request) -> web.Response:
    """End the connection; the response is for aiohttp alone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def troubled(request: web.Request, fault: Fault) -> web.Response | None:
    """Return the answer of a fault that strikes before anything happens, None for the others."""
    match fault.trouble:
        case Trouble.LOST_REQUEST:
            return cut(request)
        case Trouble.RATE_LIMITED:
            headers = {"Retry-After": str(fault.retry_after)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        case Trouble.SERVER_ERROR:
            return web.Response(status=500, text="internal error")
        case Trouble.GARBAGE:
            return login_page()
        case _:
            return None


def login_page() -> web.Response:
    """Return the page that a browser without a session would get, with 200 as Slack does."""
    return web.Response(text=LOGIN_PAGE, content_type="text/html")

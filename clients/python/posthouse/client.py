"""How the operations reach the server."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, Self

import urllib3

from posthouse.generated.api_client import ApiClient
from posthouse.generated.apis import Apis
from posthouse.generated.configuration import Configuration
from posthouse.generated.exceptions import ApiException
from posthouse.generated.models import Login, Problem

#: The methods that may be repeated (RFC 9110 §9.2.2).
_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}

#: The longest pause before a request is sent again, in seconds.
_LONGEST_PAUSE = 60.0


class Client(Apis):
    """A client of one server, let in by an API key (``phk_…``) or an access token.

    ``timeout`` is for one request with its reply, in seconds; ``attempts`` is how often a request is sent at most while the server
    asks to wait; ``ca_file`` is a PEM file of certificates to trust in place of the system's."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 90.0, attempts: int = 4, ca_file: str | None = None) -> None:
        configuration = Configuration(host=url.rstrip("/"), access_token=key, ssl_ca_cert=ca_file, retries=urllib3.Retry(0, redirect=0))
        super().__init__(_Transport(configuration, timeout, attempts))

    @classmethod
    def with_password(cls, url: str, username: str, password: str, **options: Any) -> Self:
        """A client that logged in with a user's password. Its token holds for the time that the server gives it."""
        tokens = cls(url, **options).auth.login(Login(username=username, password=password))
        return cls(url, tokens.access_token, **options)


def every(operation: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[Any]:
    """The items of a list that comes in pages, each of which is asked for when the one before it is used up:
    ``every(client.users.list_users, domain="example.org")``."""
    while True:
        page = operation(*arguments, **options)
        yield from page.items
        if page.next_cursor is None:
            return
        options["cursor"] = page.next_cursor


def problem(error: ApiException) -> Problem | None:
    """What the server said of why it was not done (RFC 9457); none if something else answered."""
    try:
        return Problem.from_dict(json.loads(error.body or ""))
    except ValueError:
        return None


class _Transport(ApiClient):
    """Sends requests, again where that does no harm and helps (RFC 9110 §9.2.2, §10.2.3, RFC 6585 §4)."""

    def __init__(self, configuration: Configuration, timeout: float, attempts: int) -> None:
        super().__init__(configuration)
        self._timeout = timeout
        self._attempts = attempts
        self.user_agent = "posthouse-client-python/0.1.0"

    def call_api(self, method, url, header_params=None, body=None, post_params=None, _request_timeout=None):
        body = _spelled(body)
        repeatable = method in _IDEMPOTENT or "Idempotency-Key" in (header_params or {})
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                reply = super().call_api(method, url, header_params, body, post_params, _request_timeout or self._timeout)
            except urllib3.exceptions.MaxRetryError as error:
                # Nothing was sent where no connection was made.
                refused = isinstance(error.reason, urllib3.exceptions.NewConnectionError)
                if last or not (repeatable and refused):
                    raise
                time.sleep(_pause(None, attempt))
                continue
            if last or not (reply.status == 429 or (repeatable and reply.status == 503)):
                return reply
            reply.read()
            time.sleep(_pause(reply.headers.get("Retry-After"), attempt))


def _spelled(body: Any) -> Any:
    """Octets within JSON are base64 (RFC 4648 §4); a body that is octets stays as it is."""
    match body:
        case dict():
            return {name: b64encode(value).decode() if isinstance(value, bytes) else _spelled(value) for name, value in body.items()}
        case list():
            return [_spelled(item) for item in body]
    return body


def _pause(asked: str | None, attempt: int) -> float:
    """What the server asks for, in seconds; otherwise half a second, and twice as long each time."""
    seconds = float(asked) if asked is not None and asked.isascii() and asked.isdigit() else 0.5 * 2 ** (attempt - 1)
    return min(seconds, _LONGEST_PAUSE)

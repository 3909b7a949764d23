"""Keeps what is asked from ending the run itself: ids and names that were seen in replies are tried elsewhere, among them our own."""

import json
import os
from urllib.parse import unquote

import schemathesis

#: The API key or the user that asks.
OURS = os.environ["POSTHOUSE_SPARED"].split(",")
#: What a user can do to themselves after which they are not let in as before; the rest of what is theirs is tried on it.
ENDING = {"change_user", "confirm_totp", "delete_user", "end_session", "end_sessions", "put_user", "set_password"}


@schemathesis.hook
def before_call(context, case, kwargs):
    for name, value in (case.path_parameters or {}).items():
        if case.method.upper() == "GET" or unquote(str(value)) not in OURS:
            continue
        is_user = "@" in unquote(value)
        if not is_user or case.operation.definition.raw.get("operationId") in ENDING:
            case.path_parameters[name] = "nobody@example.test" if is_user else "0000000000001"
    for name, value in (case.headers or {}).items():
        # The text by which urllib3 is told to leave a field away; it raises an error of its own where the field has to be.
        if value == "@@@SKIP_HEADER@@@":
            case.headers[name] = "skip"


@schemathesis.serializer("message/rfc822")
def message(context, value):
    """A message is sent as it is."""
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A batch of one."""
    return {"data": value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"}


@schemathesis.deserializer("application/x-ndjson")
def first_line(context, response):
    """The document says what a line is."""
    lines = response.content.splitlines()
    return json.loads(lines[0]) if lines else {"status": 200}

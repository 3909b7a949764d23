"""Waits for the next message to an address, half a minute, and prints the code in it: what a test of a sign-up form needs.

POSTHOUSE_URL=https://mail.example.org POSTHOUSE_KEY=phk_… python3 wait.py alice@example.com [AFTER]"""

import os
import re
import sys

from posthouse import Client

address, *after = sys.argv[1:]
posthouse = Client(os.environ["POSTHOUSE_URL"], os.environ["POSTHOUSE_KEY"])

# Also one that came since the time AFTER.
message = posthouse.messages.wait_for_message(address, timeout="30s", after=after[0] if after else None)
if message is None:
    sys.exit("no message came")
code = re.search(r"\b\d{6}\b", message.text or "")
print(f"{message.subject}: {code[0] if code else 'no code'}")

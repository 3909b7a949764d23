"""A mailbox of very many messages that another program left: times, and memory of the server after each step."""

import argparse
import os
import shutil
import tempfile
import time

from large import fill, memory
from servers import DOMAIN, PASSWORD, Posthouse
from session import Session

USER = f"user0@{DOMAIN}"
LETTER = b"Subject: one more\r\n\r\nHello.\r\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="messages in the mailbox (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    # The index of words would be at work all the time.
    os.environ["POSTHOUSE_MAIL__FULL_TEXT_INDEX"] = "false"
    try:
        run(directory, options.messages)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run(directory, messages):
    server = Posthouse(directory, ["user0"])
    try:
        session = Session(server.imap, USER, PASSWORD)
        fill(server.maildir("user0"), messages)
        print(f"{messages} messages\n\n| what | time | memory of the server after it |\n| --- | ---: | ---: |")
        print(f"| (nothing yet) | | {memory(server.pid)} |")
        step(server, "SELECT, the first ever", lambda: session.command("SELECT INBOX"))
        step(server, "FETCH 1:* (UID FLAGS), when all are in the index", lambda: session.command("FETCH 1:* (UID FLAGS)"))
        session.close()
    finally:
        server.stop()
    os.remove(os.path.join(directory, "ready.json"))
    server = Posthouse(directory, ["user0"])
    try:
        session = Session(server.imap, USER, PASSWORD)
        print(f"| (after a restart) | | {memory(server.pid)} |")
        step(server, "SELECT", lambda: session.command("SELECT INBOX"))
        for command in commands(messages):
            step(server, command, lambda command=command: session.command(command))
        step(server, "APPEND of one", lambda: session.append("INBOX", LETTER))
        session.close()
    finally:
        server.stop()


def commands(messages):
    last = f"{max(messages - 49, 1)}:{messages}"
    return [
        "SELECT INBOX",
        "FETCH 1:* (UID FLAGS)",
        f"FETCH {last} (UID FLAGS ENVELOPE BODYSTRUCTURE)",
        f"FETCH {last} (BODY.PEEK[])",
        "UID SEARCH UNSEEN",
        "UID SEARCH SINCE 1-Jan-2030",
        f"STORE {last} +FLAGS.SILENT (\\Flagged)",
        "NOOP",
    ]


def step(server, label, work):
    began = time.perf_counter()
    work()
    took = (time.perf_counter() - began) * 1000
    print(f"| {label} | {took:.1f} ms | {memory(server.pid)} |", flush=True)


if __name__ == "__main__":
    main()

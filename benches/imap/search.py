"""How long SEARCH, SORT and THREAD take in one large mailbox: with the index of words, once it is made, and without it."""

import argparse
import glob
import json
import os
import shutil
import statistics
import tempfile
import time

import corpus
from servers import DOMAIN, PASSWORD, Posthouse
from session import Session

USER = f"user0@{DOMAIN}"
COMMANDS = [
    'SEARCH SUBJECT "invoice"',
    'SEARCH FROM "ada.moss"',
    'SEARCH BODY "certificate"',
    'SEARCH BODY "tificat"',
    'SEARCH BODY "certificate yellow"',
    'SEARCH TEXT "certificate"',
    'SEARCH TEXT "nowhere"',
    'SEARCH NOT BODY "certificate" UNSEEN',
    "SORT (DATE) UTF-8 ALL",
    "SORT (SUBJECT FROM) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
    "THREAD REFS UTF-8 ALL",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages in the mailbox (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions, of which the median counts (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    rows, found = {}, {}
    try:
        for label, index in [("scan", "false"), ("index", "true")]:
            os.environ["POSTHOUSE_MAIL__FULL_TEXT_INDEX"] = index
            ready = os.path.join(directory, "ready.json")
            if os.path.exists(ready):
                os.remove(ready)
            server = Posthouse(directory, ["user0"])
            try:
                if label == "scan":
                    Session(server.imap, USER, PASSWORD).close()
                    octets = corpus.fill(server.maildir("user0"), options.messages)
                session = Session(server.imap, USER, PASSWORD)
                session.command("SELECT INBOX")
                if label == "index":
                    began = time.perf_counter()
                    wait_for_index(directory, options.messages)
                    print(f"the index was made in {time.perf_counter() - began:.0f} s and takes {size(directory) / 1e6:.0f} MB")
                measure(session, options, (rows, found), label)
                session.close()
            finally:
                server.stop()
        print(f"{options.messages} messages, {octets / 1e6:.0f} MB; ms, first / again (median of {options.repeat})\n")
        print("| | scan | index |\n| --- | --- | --- |")
        for command, figures in rows.items():
            print(f"| {command} | " + " | ".join(f"{a * 1e3:.0f} / {b * 1e3:.0f}" for a, b in (figures["scan"], figures["index"])) + " |")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(session, options, tables, label):
    rows, found = tables
    for command in COMMANDS:
        times = []
        for _ in range(options.repeat + 1):
            began = time.perf_counter()
            answer = session.command(command)
            times.append(time.perf_counter() - began)
        rows.setdefault(command, {})[label] = (times[0], statistics.median(times[1:]))
        # What was found is the same, with the index and without.
        lines = [line for line in answer.split(b"\r\n") if line.startswith((b"* SEARCH", b"* SORT", b"* THREAD"))]
        if found.setdefault(command, lines) != lines:
            raise SystemExit(f"{command}: the index finds something else")


def wait_for_index(directory, messages):
    """Until the index knows all of them."""
    end = time.monotonic() + 3600
    while time.monotonic() < end:
        for path in glob.glob(os.path.join(directory, "**", "search", "*", "meta.json"), recursive=True):
            with open(path, encoding="utf-8") as file:
                known = sum(segment["max_doc"] for segment in json.load(file)["segments"])
            if known >= messages:
                return
        time.sleep(0.5)
    raise SystemExit("the index is not made within an hour")


def size(directory):
    files = glob.glob(os.path.join(directory, "**", "search", "*", "*"), recursive=True)
    return sum(os.path.getsize(path) for path in files)


if __name__ == "__main__":
    main()

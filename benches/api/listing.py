"""Mail over the REST API of Posthouse: how long lists of messages take."""

import argparse
import http.client
import json
import os
import shutil
import statistics
import tempfile
import time

from corpus import fill
from servers import DOMAIN, Posthouse

ADDRESS = f"user@{DOMAIN}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="messages in the INBOX (default %(default)s)")
    parser.add_argument("--listed", type=int, default=1_000, help="messages of a list (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=50, help="requests of each kind (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    try:
        server = Posthouse(directory, ["user"])
        try:
            fill(server.maildir("user"), options.messages)
            measure(server, options)
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(server, options):
    connection = http.client.HTTPConnection("127.0.0.1", server.http)

    def ask(query):
        began = time.perf_counter()
        path = f"/api/v1/users/{ADDRESS}/{query}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body.decode()}")
        return (time.perf_counter() - began) * 1000, len(body)

    # The folder is taken in, and its words are indexed, before anything is measured.
    ask("messages?limit=1")
    wait_until_idle(server.pid)
    # The server ends connections on which nothing was asked for so long; the next request opens another.
    connection.close()
    print(f"{options.messages} messages; times in ms\n")
    print("| request | first | median again | 99 % again | octets |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for label, query in [
        (f"list {options.listed}, newest first", f"messages?limit={options.listed}"),
        ("list 100", "messages?limit=100"),
        (f"list {options.listed}, a filter by sender", f"messages?limit={options.listed}&from=a"),
        ("search all mailboxes for a word", "search?q=meeting&limit=100"),
        ("100 threads", "threads?limit=100"),
        ("changes since the beginning", f"mailboxes/{inbox(server)}/changes?limit=1000"),
    ]:
        first, size = ask(query)
        again = sorted(ask(query)[0] for _ in range(options.repeat))
        last = again[min(len(again) - 1, int(len(again) * 0.99))]
        print(f"| {label} | {first:.1f} | {statistics.median(again):.1f} | {last:.1f} | {size} |", flush=True)


def wait_until_idle(pid):
    """Until the server has nothing to do in the background any more."""

    def ticks():
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    idle, before = 0, ticks()
    while idle < 5:
        time.sleep(1)
        now = ticks()
        idle = idle + 1 if now - before <= 2 else 0
        before = now


def inbox(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.http)
    connection.request("GET", f"/api/v1/users/{ADDRESS}/mailboxes", headers={"Authorization": f"Bearer {server.token}"})
    return json.load(connection.getresponse())["items"][0]["id"]


if __name__ == "__main__":
    main()

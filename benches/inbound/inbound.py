"""Sends with Debian's smtp-source (20 sessions, 4 KiB) and stops the clock when every message is visible over IMAP."""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from inbox import Mailbox
from servers import DOMAIN, PASSWORD, Pair, Posthouse

SESSIONS = 20
SIZE = 4096


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="messages in a run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turn (default %(default)s)")
    parser.add_argument("--users", type=int, default=4, help="mailboxes of the second case (default %(default)s)")
    parser.add_argument("--only", choices=["pair", "posthouse"], help="run only one of the two")
    options = parser.parse_args()
    contestants = {"pair": [Pair], "posthouse": [Posthouse], None: [Pair, Posthouse]}[options.only]

    print(f"{os.cpu_count()} cores, {syncs_per_second():.0f} syncs a second of 4 KiB files; "
          f"{options.messages} messages of {SIZE} octets, {SESSIONS} sessions", flush=True)
    rows = []
    for users in sorted({1, options.users}):
        figures = {contestant: [] for contestant in contestants}
        for number in range(options.rounds):
            for contestant in contestants:
                rate = run(contestant, users, options.messages)
                figures[contestant].append(rate)
                print(f"  {users} mailboxes, round {number + 1}, {contestant.name}: {rate:.0f} messages/s", flush=True)
        rows.append((users, figures))
    table(rows, contestants)


def table(rows, contestants):
    names = [contestant.name for contestant in contestants]
    print("\n| mailboxes | " + " | ".join(f"{name}, messages/s (median; all runs)" for name in names) + " | ratio |")
    print("| ---: |" + " ---: |" * (len(names) + 1))
    for users, figures in rows:
        medians = [statistics.median(figures[contestant]) for contestant in contestants]
        cells = [f"**{median:.0f}** ({', '.join(f'{rate:.0f}' for rate in figures[contestant])})"
                 for median, contestant in zip(medians, contestants)]
        ratio = f"{medians[1] / medians[0]:.1f}" if len(medians) == 2 else ""
        print(f"| {users} | {' | '.join(cells)} | {ratio} |")


def run(contestant, users, messages):
    """One run on a fresh server; gives messages a second."""
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    os.chmod(directory, 0o755)
    names = [f"user{number}" for number in range(users)]
    server = contestant(directory, names)
    try:
        boxes = [Mailbox(server.imap, f"{name}@{DOMAIN}", PASSWORD) for name in names]
        share = messages // users
        began = time.monotonic()
        senders = [send(server.smtp, name, share, SESSIONS // users) for name in names]
        waiting = list(boxes)
        while waiting:
            time.sleep(0.02)
            waiting = [box for box in waiting if box.count() < share]
            if time.monotonic() - began > 600:
                raise SystemExit(f"{contestant.name} has not delivered everything in ten minutes")
        took = time.monotonic() - began
        for sender in senders:
            if sender.wait() != 0:
                raise SystemExit(f"smtp-source failed against {contestant.name}")
        for box in boxes:
            if box.count() != share:
                raise SystemExit(f"{contestant.name} has {box.count()} messages instead of {share}")
            box.close()
        return share * users / took
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def send(port, user, messages, sessions):
    command = ["smtp-source", "-s", str(sessions), "-l", str(SIZE), "-m", str(messages), "-f", "ada@client.test",
               "-t", f"{user}@{DOMAIN}", "-M", "client.test", f"inet:127.0.0.1:{port}"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def syncs_per_second(seconds=2.0):
    """How often this disk takes a new 4 KiB file and its directory for good, one after the other."""
    octets = b"x" * SIZE
    with tempfile.TemporaryDirectory(prefix="posthouse-bench-") as directory:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            with open(os.path.join(directory, str(count)), "wb", buffering=0) as file:
                file.write(octets)
                os.fsync(file.fileno())
            count += 1
        return count / (time.monotonic() - began)


if __name__ == "__main__":
    main()

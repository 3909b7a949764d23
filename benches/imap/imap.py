"""Makes a Maildir of many messages, lets Posthouse adopt it, and measures with a bare socket."""

import argparse
import os
import shutil
import statistics
import tempfile
import time

from inbox import Mailbox
from servers import DOMAIN, PASSWORD, Posthouse

LETTER = b"From: ada@client.test\r\nTo: user0@house.test\r\nSubject: one of many\r\nMessage-Id: <%d@client.test>\r\n\r\nHello.\r\n"
# Hard links of one file are as good as files of their own here; a file system allows some ten thousand of one.
LINKS = 10_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages in the mailbox (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=7, help="warm repetitions (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    server = Posthouse(directory, ["user0"])
    try:
        measure(server, options)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def measure(server, options):
    login = f"user0@{DOMAIN}"
    rows = [("idle memory after the start and one new user", memory(server.pid))]
    # The first login makes the folders.
    Mailbox(server.imap, login, PASSWORD).close()
    fill(server.maildir("user0"), options.messages)
    box = Mailbox(server.imap, login, PASSWORD)
    rows.append(("first SELECT: adopts the folder", timed(box, "SELECT INBOX")))
    rows.append(("SELECT again", timed(box, "SELECT INBOX")))
    timed(box, "FETCH 1:* (FLAGS UID)", options.messages)
    warm = [seconds(box, "FETCH 1:* (FLAGS UID)", options.messages) for _ in range(options.repeat)]
    rows.append((f"FETCH 1:* (FLAGS UID), warm, median of {options.repeat}", f"{statistics.median(warm) * 1000:.0f} ms"))
    rows.append(("UID SEARCH ALL", timed(box, "UID SEARCH ALL")))
    rows.append(("UID SEARCH UNSEEN", timed(box, "UID SEARCH UNSEEN")))
    rows.append(("FETCH 1:* (ENVELOPE), first", timed(box, "FETCH 1:* (ENVELOPE)", options.messages)))
    rows.append(("FETCH 1:* (ENVELOPE), again", timed(box, "FETCH 1:* (ENVELOPE)", options.messages)))
    rows.append(("memory with the mailbox open", memory(server.pid)))
    box.close()
    print(f"\n{options.messages} messages, {os.cpu_count()} cores\n\n| what | figure |\n| --- | ---: |")
    for name, figure in rows:
        print(f"| {name} | {figure} |")


def fill(maildir, messages):
    folder = os.path.join(maildir, "cur")
    os.makedirs(folder, exist_ok=True)
    for number in range(messages):
        path = os.path.join(folder, f"{1700000000 + number}.M{number}P1.bench:2,S")
        if number % LINKS == 0:
            source = path
            with open(path, "wb") as file:
                file.write(LETTER % number)
        else:
            os.link(source, path)


def seconds(box, command, responses=None):
    began = time.perf_counter()
    lines = box.command(command)
    took = time.perf_counter() - began
    if responses is not None and len(lines) != responses:
        raise SystemExit(f"{command} was answered {len(lines)} lines instead of {responses}")
    return took


def timed(box, command, responses=None):
    return f"{seconds(box, command, responses) * 1000:.0f} ms"


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return f"{int(line.split()[1]) / 1024:.0f} MB"
    return "?"


if __name__ == "__main__":
    main()

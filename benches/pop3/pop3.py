"""Makes a Maildir of many messages, lets Posthouse adopt it, and measures sessions of POP3 with a bare socket."""

import argparse
import os
import shutil
import socket
import statistics
import tempfile
import time

from inbox import Mailbox
from large import fill, memory
from servers import DOMAIN, PASSWORD, Posthouse

STEPS = ("login", "STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "QUIT")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="messages in the maildrop (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=7, help="warm sessions (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    server = Posthouse(directory, ["user0"])
    try:
        measure(server, options)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def measure(server, options):
    # The first login makes the folders.
    Mailbox(server.imap, f"user0@{DOMAIN}", PASSWORD).close()
    fill(server.maildir("user0"), options.messages)
    first = session(server, options.messages)
    warm = [session(server, options.messages) for _ in range(options.repeat)]
    print(f"\n{options.messages} messages, {os.cpu_count()} cores, memory afterwards {memory(server.pid)}\n")
    print(f"| what | first session | median of {options.repeat} more |\n| --- | ---: | ---: |")
    for step in STEPS:
        median = statistics.median(times[step] for times in warm)
        print(f"| {step} | {first[step] * 1000:.1f} ms | {median * 1000:.1f} ms |")


def session(server, messages):
    """The seconds of each step."""
    connection = socket.create_connection(("127.0.0.1", server.pop3), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = connection.makefile("rb", buffering=1 << 20)
    expect(file.readline())
    times = {}
    for step in STEPS:
        began = time.perf_counter()
        if step == "login":
            say(connection, file, f"USER user0@{DOMAIN}")
            say(connection, file, f"PASS {PASSWORD}")
        else:
            say(connection, file, step)
            lines = 0
            while step not in ("STAT", "QUIT") and file.readline() != b".\r\n":
                lines += 1
            if step in ("LIST", "UIDL") and lines != messages:
                raise SystemExit(f"{step} was answered {lines} lines instead of {messages}")
        times[step] = time.perf_counter() - began
    file.close()
    connection.close()
    return times


def say(connection, file, command):
    connection.sendall(f"{command}\r\n".encode())
    expect(file.readline())


def expect(line):
    if not line.startswith(b"+OK"):
        raise SystemExit(f"the server said {line!r}")


if __name__ == "__main__":
    main()

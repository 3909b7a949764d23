"""Idle IMAP connections to Posthouse: memory of each, and how soon a new message is told to all of them."""

import argparse
import os
import shutil
import socket
import ssl
import tempfile
import time

from imap import DovecotSide, PosthouseSide, logins
from servers import DOMAIN, PASSWORD, Posthouse
from session import Session

USERS = 20
# What the connections do, and whether over TLS.
FORMS = [("logged in", None, False), ("IDLE in INBOX", "SELECT INBOX", False), ("IDLE in INBOX, TLS", "SELECT INBOX", True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5_000, help="connections of each form (default %(default)s)")
    parser.add_argument("--messages", type=int, default=100, help="messages in each INBOX (default %(default)s)")
    parser.add_argument("--logins", type=float, default=5, help="seconds of logins on each side (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    os.chmod(directory, 0o755)
    os.environ["POSTHOUSE_LIMITS__MAX_CONNECTIONS_PER_ADDRESS"] = "0"
    os.environ["POSTHOUSE_LIMITS__MAX_CONNECTIONS"] = str(options.connections + 100)
    try:
        print(f"{options.connections} connections to {USERS} mailboxes of {options.messages} messages\n")
        print("| the connections | memory of the server before and after, MB | of each connection, KB | until all heard of a message, ms |")
        print("| --- | ---: | ---: | ---: |")
        for place, (label, command, tls) in enumerate(FORMS):
            measure(os.path.join(directory, str(place)), options, (label, command, tls))
        if options.logins > 0:
            compare(directory, options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(directory, options, form):
    """A fresh server for each form, for memory that was used once is not always given back."""
    label, command, tls = form
    os.makedirs(directory)
    server = Posthouse(directory, [f"user{number}" for number in range(USERS)])
    port = server.port("imaps") if tls else server.imap
    try:
        for number in range(USERS):
            session = Session(server.imap, f"user{number}@{DOMAIN}", PASSWORD)
            for _ in range(options.messages):
                session.append("INBOX", b"Subject: x\r\n\r\nText.\r\n")
            session.command("SELECT INBOX")
            session.close()
        before = resident(server.pid)
        sessions = [connect(port, number % USERS, command, tls) for number in range(options.connections)]
        after = resident(server.pid)
        heard = tell(server, sessions[::USERS]) if command else None
        each = (after - before) / options.connections
        print(f"| {label} | {before / 1024:.0f}, {after / 1024:.0f} | {each:.1f} | {'' if heard is None else f'{heard * 1000:.0f}'} |", flush=True)
        for session in sessions:
            session.close()
    finally:
        server.stop()


def connect(port, user, command, tls):
    """A connection that has logged in, and idles if it has a mailbox."""
    connection = socket.create_connection(("127.0.0.1", port), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    read_until(connection, b"\r\n")
    for text in [f"LOGIN user{user}@{DOMAIN} {PASSWORD}"] + ([command] if command else []):
        connection.sendall(b"x " + text.encode() + b"\r\n")
        read_until(connection, b"x OK")
    if command:
        connection.sendall(b"x IDLE\r\n")
        read_until(connection, b"+")
    return connection


def read_until(connection, mark):
    """Reads until a line begins with the mark and is whole; or, if the mark is a line end, until there is one."""
    octets = b""
    while not (octets.endswith(b"\r\n") and (mark == b"\r\n" or any(line.startswith(mark) for line in octets.split(b"\r\n")))):
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit("the server closed the connection")
        octets += piece


def tell(server, sessions):
    """Seconds until all connections of the first user have heard of a message that one more appends."""
    other = Session(server.imap, f"user0@{DOMAIN}", PASSWORD)
    began = time.perf_counter()
    other.append("INBOX", b"Subject: new\r\n\r\nText.\r\n")
    for session in sessions:
        read_until(session, b"* ")
    other.close()
    return time.perf_counter() - began


def resident(pid):
    """KB of the server that are in memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def compare(directory, options):
    """Logins a second of both, in turn."""
    rates = {}
    for name, side in (("Dovecot", DovecotSide), ("Posthouse", PosthouseSide)):
        contestant = side(os.path.join(directory, name))
        try:
            rates[name] = logins(contestant, options.logins)
            if name == "Dovecot":
                print(f"\nDovecot: {contestant.server.cache_hits()}")
        finally:
            contestant.stop()
    ratio = rates["Posthouse"] / rates["Dovecot"]
    print(f"\n| | Dovecot | Posthouse | ratio |\n| --- | ---: | ---: | ---: |")
    print(f"| logins a second, 8 at a time | {rates['Dovecot']:.0f} | {rates['Posthouse']:.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()

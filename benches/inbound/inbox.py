"""Counting messages over IMAP, with a socket and nothing more."""

import socket


class Mailbox:
    """A session that asks how many messages INBOX has."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.file.readline()
        self.command(f"LOGIN {user} {password}")

    def command(self, text):
        """Says a command; gives the lines up to its tagged response, which must be OK."""
        self.socket.sendall(f"t {text}\r\n".encode())
        lines = []
        while True:
            line = self.file.readline()
            if line.startswith(b"t OK"):
                return lines
            if line == b"" or line.startswith(b"t "):
                raise SystemExit(f"{text}: {line!r}")
            lines.append(line)

    def count(self):
        """How many messages can be seen."""
        for line in self.command("STATUS INBOX (MESSAGES)"):
            if b"(MESSAGES " in line:
                return int(line.split(b"(MESSAGES ")[1].split(b")")[0])
        raise SystemExit("no STATUS response")

    def close(self):
        self.file.close()
        self.socket.close()

"""An IMAP session with a socket and nothing more: answers are read in large pieces and not looked into."""

import socket

PORTION = 1 << 18


class Session:
    """Commands one after the other, or many at once."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.settimeout(600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.number = 0
        while b"\r\n" not in self.rest:
            self.rest += self.socket.recv(PORTION)
        self.rest = b""
        self.command(f"LOGIN {user} {password}")

    def command(self, text):
        """Says a command; gives all octets of its answer, which must be OK."""
        self.number += 1
        tag = f"x{self.number}x".encode()
        self.socket.sendall(tag + b" " + text.encode() + b"\r\n")
        return self.answer(tag, text)

    def append(self, mailbox, letter):
        """Appends a message with a literal that does not wait (RFC 7888)."""
        self.number += 1
        tag = f"x{self.number}x".encode()
        self.socket.sendall(tag + f" APPEND {mailbox} (\\Seen) {{{len(letter)}+}}\r\n".encode() + letter + b"\r\n")
        return self.answer(tag, "APPEND")

    def answer(self, tag, text):
        pieces, tail = [], self.rest
        while True:
            # The tagged line is the last thing that comes.
            begin = tail.rfind(b"\n" + tag + b" ") + 1 if b"\n" + tag + b" " in tail else (0 if tail.startswith(tag + b" ") else -1)
            if begin >= 0 and tail.endswith(b"\r\n"):
                break
            piece = self.socket.recv(PORTION)
            if not piece:
                raise SystemExit(f"{text}: the server closed the connection")
            pieces.append(piece)
            tail = tail[-300:] + piece
        if not tail[begin:].startswith(tag + b" OK"):
            raise SystemExit(f"{text}: {tail[begin:]!r}")
        self.rest = b""
        return b"".join(pieces)

    def close(self):
        """Without a farewell."""
        self.socket.close()

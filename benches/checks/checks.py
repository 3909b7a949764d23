"""What the checks of incoming mail cost: computing time of the server for each message, with the checks and without."""

import argparse
import base64
import hashlib
import os
import smtplib
import socket
import statistics
import struct
import subprocess
import tempfile
import threading

from servers import DOMAIN, Posthouse

SENDER = "sender.test"


class Dns(threading.Thread):
    """A name server that knows the TXT records of a table; of the rest it says that it does not exist, and (RFC 2308 §3) for how long."""

    def __init__(self, records):
        super().__init__(daemon=True)
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            asked, peer = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(asked), peer)

    def answer(self, asked):
        labels, at = [], 12
        while asked[at]:
            labels.append(asked[at + 1 : at + 1 + asked[at]].decode().lower())
            at += asked[at] + 1
        end = at + 5
        kind = struct.unpack("!H", asked[at + 1 : at + 3])[0]
        text = self.records.get(".".join(labels))
        found = b""
        if kind == 16 and text is not None:
            pieces = [text[i : i + 255].encode() for i in range(0, len(text), 255)]
            data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
            found = b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 3600, len(data)) + data
        code = 0 if text is not None else 3
        # SOA of the root: the last number says how long that holds, in seconds.
        denial = b"" if found else b"\0" + struct.pack("!HHIH", 6, 1, 300, 22) + b"\0\0" + struct.pack("!5I", 1, 3600, 600, 86400, 300)
        head = asked[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if found else 0, 0 if found else 1, 0)
        return head + asked[12:end] + found + denial


def signed(size, key):
    """A message of about so many octets, signed with DKIM (RFC 6376 §3.4.1: simple)."""
    line = b"The quick brown fox jumps over the lazy dog, and writes a letter about it.\r\n"
    body = line * (size // len(line))
    header = b"From: Ada <ada@%s>\r\nTo: user0@house.test\r\nSubject: figures\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n" % SENDER.encode()
    return sign(header, body, key)


def sign(header, body, key):
    """The message with a signature of its own (RFC 6376 §3.4.1: simple)."""
    fields = dict(line.split(b":", 1) for line in header.split(b"\r\n") if b":" in line and line[:1] not in b" \t")
    signed_fields = b"".join(b"%s:%s\r\n" % (name, fields[name]) for name in (b"From", b"To", b"Subject", b"Date"))
    digest = base64.b64encode(hashlib.sha256(body).digest())
    field = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=%s; s=s; h=From:To:Subject:Date; bh=%s; b=" % (SENDER.encode(), digest)
    sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed_fields + field, capture_output=True, check=True)
    return field + base64.b64encode(sign.stdout) + b"\r\n" + header + b"\r\n" + body


def zone(public):
    """A name server for the sender's domain, with this key."""
    return Dns(
        {
            SENDER: "v=spf1 ip4:127.0.0.0/8 ip4:192.0.2.0/24 -all",
            f"_dmarc.{SENDER}": "v=DMARC1; p=reject",
            f"s._domainkey.{SENDER}": "v=DKIM1; k=rsa; p=" + public,
            # The root, by which the server sees that somebody answers.
            "": "",
        }
    )


def computing_time(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(message, count, dns, checks):
    """Seconds of computing for each message."""
    with tempfile.TemporaryDirectory(prefix="posthouse-bench-") as directory:
        server = Posthouse(directory, ["user0"], '[spam]\nengine = "off"\n', dns.port, checks)
        try:
            with smtplib.SMTP("127.0.0.1", server.smtp) as client:
                send = lambda: client.sendmail(f"ada@{SENDER}", [f"user0@{DOMAIN}"], message)
                for _ in range(20):
                    send()
                before = computing_time(server.pid)
                for _ in range(count):
                    send()
                spent = (computing_time(server.pid) - before) / count
            folder = os.path.join(server.maildir("user0"), "new")
            with open(os.path.join(folder, os.listdir(folder)[0]), encoding="utf-8") as file:
                return spent, "dmarc=pass" in file.read(4096)
        finally:
            server.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--octets", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        key = os.path.join(directory, "key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], capture_output=True, check=True)
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
        message = signed(options.octets, key)
    dns = zone(base64.b64encode(public).decode())
    with_checks, without = [], []
    for _ in range(options.rounds):
        spent, passed = measure(message, options.messages, dns, True)
        if not passed:
            raise SystemExit("the message does not pass: nothing is measured")
        with_checks.append(spent * 1000)
        without.append(measure(message, options.messages, dns, False)[0] * 1000)
    cost = statistics.median(with_checks) - statistics.median(without)
    shown = lambda all: f"{statistics.median(all):.2f} ms ({', '.join(f'{it:.2f}' for it in all)})"
    print("| octets | with the checks (median; all runs) | without | the checks |")
    print("| ---: | ---: | ---: | ---: |")
    print(f"| {len(message)} | {shown(with_checks)} | {shown(without)} | **{cost:.2f} ms** |")


if __name__ == "__main__":
    main()

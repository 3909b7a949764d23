"""The far side, in one process: the DNS of all domains, and a mail server for each on an address of its own.

Usage: far.py LIVE REFUSING SILENT DNS_PORT SMTP_PORT LOG
Domain N is N.far.test. The first LIVE ones take mail. At REFUSING ones nobody listens, at SILENT ones somebody accepts and says nothing.
Of each message LOG gets a line, the local part of its recipient and when it arrived by the monotonic clock. Says "ready" when it is.
"""

import asyncio
import resource
import struct
import sys
import time

A, MX = 1, 15


def address(number):
    return f"127.20.{number // 250}.{number % 250 + 1}"


class Names(asyncio.DatagramProtocol):
    """Answers MX with mx.N.far.test and A with the domain's address; says that there is nothing else."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, question, peer):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
            at += question[at] + 1
        kind = struct.unpack_from("!H", question, at + 1)[0]
        section = question[12 : at + 5]
        answer = self.answer(labels, kind)
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
        self.transport.sendto(head + section + answer, peer)

    def answer(self, labels, kind):
        match labels:
            case [number, "far", "test"] if kind == MX and number.isdigit():
                # The name in the question stands at octet 12.
                data = struct.pack("!H", 10) + b"\x02mx\xc0\x0c"
            case ["mx", number, "far", "test"] if kind == A and number.isdigit():
                data = bytes(map(int, address(int(number)).split(".")))
            case _:
                return b""
        return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 3600, len(data)) + data


class Mailbox(asyncio.Protocol):
    """A session of a server that takes everything."""

    log = None

    def connection_made(self, transport):
        self.transport, self.rest, self.recipients, self.in_data = transport, b"", [], False
        transport.write(b"220 far.test ESMTP\r\n")

    def data_received(self, data):
        self.rest += data
        replies = []
        while self.in_data or b"\n" in self.rest:
            if self.in_data:
                end = self.rest.find(b"\r\n.\r\n")
                if end < 0:
                    break
                self.rest, self.in_data = self.rest[end + 5 :], False
                now = time.monotonic()
                for recipient in self.recipients:
                    self.log.write(f"{recipient} {now}\n")
                self.recipients = []
                replies.append(b"250 taken\r\n")
            else:
                line, self.rest = self.rest.split(b"\n", 1)
                replies.append(self.reply(line.rstrip()))
        if replies:
            self.transport.write(b"".join(replies))

    def reply(self, line):
        match line[:4].upper():
            case b"EHLO":
                return b"250-far.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n"
            case b"RCPT":
                self.recipients.append(line.split(b"<")[1].split(b"@")[0].decode())
            case b"DATA":
                self.in_data = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
        return b"250 ok\r\n"


async def main():
    live, refusing, silent, dns, smtp = map(int, sys.argv[1:6])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    loop = asyncio.get_running_loop()
    with open(sys.argv[6], "w", encoding="utf-8", buffering=1) as Mailbox.log:
        await loop.create_datagram_endpoint(Names, ("127.0.0.1", dns))
        for number in range(live):
            await loop.create_server(Mailbox, address(number), smtp)
        for number in range(live + refusing, live + refusing + silent):
            await loop.create_server(asyncio.Protocol, address(number), smtp)
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())

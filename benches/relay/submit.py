"""Submits messages over so many sessions at once, each session one message after the other; logs in where that is offered.

Usage: submit.py PORT SESSIONS MESSAGES SIZE FROM PASSWORD DOMAINS
The recipients are user@0.far.test, user@1.far.test and so on, over as many domains. Exits with 1 if a message was refused.
"""

import asyncio
import base64
import sys

SUBJECT = "Subject: one of many\r\n\r\n"


async def reply(reader):
    """The last line of a reply."""
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            return line


async def expect(reader, code):
    line = await reply(reader)
    if not line.startswith(code):
        raise SystemExit(f"expected {code!r}: {line!r}")


async def session(port, numbers, size, sender, password, domains):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await expect(reader, b"220")
    writer.write(b"EHLO client.test\r\n")
    login = False
    while True:
        line = await reader.readline()
        login |= b"AUTH" in line
        if line[3:4] != b"-":
            break
    if login:
        writer.write(b"AUTH PLAIN " + base64.b64encode(f"\0{sender}\0{password}".encode()) + b"\r\n")
        await expect(reader, b"235")
    line = "x" * 70 + "\r\n"
    for number in numbers:
        head = f"From: <{sender}>\r\nTo: <user@{number % domains}.far.test>\r\n{SUBJECT}"
        body = head + line * ((size - len(head)) // len(line))
        writer.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<user@{number % domains}.far.test>\r\nDATA\r\n".encode())
        await expect(reader, b"250")
        await expect(reader, b"250")
        await expect(reader, b"354")
        writer.write(body.encode() + b".\r\n")
        await expect(reader, b"250")
    writer.write(b"QUIT\r\n")
    writer.close()


async def main():
    port, sessions, messages, size, sender, password, domains = sys.argv[1:]
    shares = [range(start, int(messages), int(sessions)) for start in range(int(sessions))]
    await asyncio.gather(*(session(int(port), share, int(size), sender, password, int(domains)) for share in shares))


asyncio.run(main())

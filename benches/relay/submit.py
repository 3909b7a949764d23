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


async def submit(port, recipients, size, login, accepted=lambda recipient: None):
    """One session: a message to each of the recipients. `accepted` hears of each that the server has taken."""
    sender, password = login
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await expect(reader, b"220")
    writer.write(b"EHLO client.test\r\n")
    can_login = False
    while True:
        line = await reader.readline()
        can_login |= b"AUTH" in line
        if line[3:4] != b"-":
            break
    if can_login:
        writer.write(b"AUTH PLAIN " + base64.b64encode(f"\0{sender}\0{password}".encode()) + b"\r\n")
        await expect(reader, b"235")
    line = "x" * 70 + "\r\n"
    for recipient in recipients:
        head = f"From: <{sender}>\r\nTo: <{recipient}>\r\n{SUBJECT}"
        body = head + line * ((size - len(head)) // len(line))
        writer.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
        await expect(reader, b"250")
        await expect(reader, b"250")
        await expect(reader, b"354")
        writer.write(body.encode() + b".\r\n")
        await expect(reader, b"250")
        accepted(recipient)
    writer.write(b"QUIT\r\n")
    writer.close()


async def main():
    port, sessions, messages, size, sender, password, domains = sys.argv[1:]
    recipients = [f"user@{number % int(domains)}.far.test" for number in range(int(messages))]
    shares = [recipients[first :: int(sessions)] for first in range(int(sessions))]
    await asyncio.gather(*(submit(int(port), share, int(size), (sender, password)) for share in shares))


if __name__ == "__main__":
    asyncio.run(main())

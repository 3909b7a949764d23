"""A large mailbox as another program would have left it, and what a server's memory does."""

import os

LETTER = b"From: ada@client.test\r\nTo: user0@house.test\r\nSubject: one of many\r\nMessage-Id: <%d@client.test>\r\n\r\nHello.\r\n"
# Hard links of one file are as good as files of their own here; a file system allows some ten thousand of one.
LINKS = 10_000


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


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return f"{int(line.split()[1]) / 1024:.0f} MB"
    return "?"

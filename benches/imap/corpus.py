"""A Maildir of made-up mail, the same from the same seed: threads, replies, names, plain and multipart bodies, attachments."""

import base64
import os
import random

WORDS = (
    "account agenda answer archive balance board budget calendar certificate change client comment contract copy customer date delivery "
    "desk detail document draft email entry estimate event example field figure file final first folder form friday garden green group "
    "guide hour house idea index invoice issue item journey key letter level line list machine mailbox manager march meeting member "
    "message minute monday month morning network note number offer office open order page paper part payment people phone picture place "
    "plan point price print project question queue quote random reader reason receipt record release reply report request result return "
    "review room school season second server service session sign site space spring stamp start state station stone storage street "
    "summer sunday supply system table team term test theory thursday ticket time title today total train travel tuesday update user "
    "value version village visit voice water week window winter word world year yellow"
).split()
PEOPLE = [(f"{first} {last}", f"{first}.{last}@{host}.test".lower()) for first in ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Grace") for last in ("Moss", "Hill", "Lake", "Stone", "Wood") for host in ("alpha", "beta")]
# A file system allows some ten thousand links of a file; past so many messages the first ones are linked again.
DISTINCT = 20_000


def fill(maildir, messages, seed=7):
    """Puts so many messages into `cur`; gives the octets of all."""
    folder = os.path.join(maildir, "cur")
    for name in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(maildir, name), exist_ok=True)
    chance = random.Random(seed)
    ids, total = [], 0
    for number in range(messages):
        path = os.path.join(folder, f"{1_700_000_000 + number * 60}.M{number}P1.bench:2,{'S' if number % 10 else ''}")
        if number < DISTINCT:
            text = letter(chance, number, ids)
            with open(path, "wb") as file:
                file.write(text)
        else:
            os.link(first(folder, number % DISTINCT), path)
        os.utime(path, (1_700_000_000 + number * 60,) * 2)
        total += os.path.getsize(path)
    return total


def first(folder, number):
    return os.path.join(folder, f"{1_700_000_000 + number * 60}.M{number}P1.bench:2,{'S' if number % 10 else ''}")


def letter(chance, number, ids):
    """One message: two in three are replies, one in five has an attachment."""
    (name, address), (to_name, to_address) = chance.sample(PEOPLE, 2)
    own = f"<{number}.{chance.getrandbits(40):x}@bench.test>"
    subject = " ".join(chance.choices(WORDS, k=4)).capitalize()
    lines = [
        f"Return-Path: <{address}>",
        f"Received: from mx.bench.test ([192.0.2.{number % 250}])\r\n\tby mail.house.test with ESMTPS id {number:x};\r\n\t{date(number)}",
        f"From: {name} <{address}>",
        f"To: {to_name} <{to_address}>, user0@house.test",
        f"Date: {date(number)}",
    ]
    if ids and chance.random() < 0.66:
        parent, references, subject = chance.choice(ids[-500:])
        references = [*references[-8:], parent]
        lines += [f"In-Reply-To: {parent}", f"References: {' '.join(references)}", f"Subject: Re: {subject}"]
    else:
        references = []
        lines.append(f"Subject: {subject}")
    ids.append((own, references, subject))
    lines += [f"Message-ID: {own}", "MIME-Version: 1.0", "User-Agent: Bench/1.0", *body(chance)]
    return "\r\n".join(lines).encode()


def body(chance):
    prose = "\r\n".join(" ".join(chance.choices(WORDS, k=12)) for _ in range(chance.randint(5, 60)))
    plain = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", "", prose, ""]
    if chance.random() < 0.8:
        return plain
    mark = f"=_{chance.getrandbits(60):x}"
    data = base64.encodebytes(chance.randbytes(chance.randint(2_000, 12_000))).decode().replace("\n", "\r\n")
    file = [
        'Content-Type: application/pdf; name="invoice.pdf"',
        'Content-Disposition: attachment; filename="invoice.pdf"',
        "Content-Transfer-Encoding: base64",
        "",
        data,
    ]
    return [f'Content-Type: multipart/mixed; boundary="{mark}"', "", f"--{mark}", *plain, f"--{mark}", *file, f"--{mark}--", ""]


def date(number):
    day, rest = divmod(number, 1440)
    month, day = divmod(day, 28)
    names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    return f"{day + 1} {names[month % 12]} {2020 + month // 12} {rest // 60:02}:{rest % 60:02}:00 +0000"

"""What a message costs from its arrival to the judgement, beside rspamd: authentication, rules and Bayes, in computing time."""

import argparse
import base64
import json
import os
import random
import smtplib
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import checks
from servers import DOMAIN, ROOT, Posthouse

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "ol")]


def words(rng, count, all_words):
    """So many words, some of them met often and most seldom, as in a language."""
    return [all_words[min(int(rng.paretovariate(0.9)), len(all_words)) - 1] for _ in range(count)]


def text(rng, octets, all_words):
    lines, size = [], 0
    while size < octets:
        line = " ".join(words(rng, 10, all_words)).capitalize() + "."
        lines.append(line)
        size += len(line) + 2
    return lines


def letter(rng, octets, all_words, number):
    """A message in plain text and HTML, with links."""
    lines = text(rng, octets * 4 // 10, all_words)
    links = [f"https://www.{word}.test/{word}?id={number}" for word in words(rng, 20, all_words)]
    page = "".join(f'<p style="margin:0">{line}</p>\r\n' for line in lines)
    page += "".join(f'<a href="{link}">{link}</a><br>\r\n' for link in links)
    header = (
        f"From: Ada <ada@{checks.SENDER}>\r\nTo: user0@{DOMAIN}\r\nSubject: {' '.join(words(rng, 5, all_words))}\r\n"
        f"Message-ID: <{number}@{checks.SENDER}>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n'
    )
    plain = "\r\n".join(lines) + "\r\n" + "\r\n".join(links)
    part = lambda kind, body: f"--b\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{body}\r\n"
    return header.encode(), (part("plain", plain) + part("html", page) + "--b--\r\n").encode()


def lessons(count, octets):
    """Messages to learn, of either kind: their words are of one language, and each kind has some of its own."""
    rng = random.Random(1)
    vocabulary = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(8000)]
    kinds = {}
    for kind in ("ham", "spam"):
        own = list(vocabulary)
        rng.shuffle(own)
        mixed = [own[at] if at % 5 == 0 else vocabulary[at] for at in range(len(own))]
        kinds[kind] = mixed
    made = [(kind, b"\r\n".join(letter(rng, octets, kinds[kind], number))) for number in range(count) for kind in kinds]
    return made, letter(rng, 50_000, kinds["ham"], "judged")


def ask(port, path, octets, headers=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", octets, headers or {}, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def ours(message, learned, count, dns, is_on):
    """Seconds of computing of the server for each message, with all of it or with none."""
    with tempfile.TemporaryDirectory(prefix="posthouse-bench-") as directory:
        settings = "" if is_on else '[spam]\nengine = "off"\n'
        server = Posthouse(directory, ["user0"], settings, dns, is_on)
        try:
            if is_on:
                headers = {"Content-Type": "message/rfc822", "Authorization": f"Bearer {server.token}"}
                for kind, octets in learned:
                    ask(server.http, f"api/v1/lessons?kind={kind}", octets, headers)
            with smtplib.SMTP("127.0.0.1", server.smtp) as client:
                send = lambda: client.sendmail(f"ada@{checks.SENDER}", [f"user0@{DOMAIN}"], message)
                for _ in range(20):
                    send()
                before = checks.computing_time(server.pid)
                for _ in range(count):
                    send()
                spent = (checks.computing_time(server.pid) - before) / count
            if is_on:
                folder = next(it for it in (os.path.join(server.maildir("user0"), box, "new") for box in ("", ".Junk")) if os.listdir(it))
                head = Path(folder, os.listdir(folder)[0]).read_text(encoding="utf-8")[:4096]
                if "dmarc=pass" not in head or "BAYES_" not in head:
                    raise SystemExit(f"not all of it was done: nothing is measured\n{head}")
            return spent
        finally:
            server.stop()


def theirs(message, learned, count, dns):
    sys.path.insert(0, os.path.join(ROOT, "benches", "spam"))
    import rspamd

    rspamd.SETTINGS["options.inc"] = f'dns {{{{ nameserver = ["127.0.0.1:{dns}"]; timeout = 0.5s; retransmits = 1; }}}}\n'
    with rspamd.Rspamd() as engine:
        for kind, octets in learned:
            engine.ask("learn", f"learn{kind}", octets)
        # It does not ask who those are that are local.
        headers = {"IP": "192.0.2.1", "Helo": "client.test", "From": f"ada@{checks.SENDER}", "Rcpt": f"user0@{DOMAIN}"}
        check = lambda: json.loads(ask(engine.ports["check"], "checkv2", message, headers))
        for _ in range(20):
            symbols = check()["symbols"]
        before = engine.spent()
        for _ in range(count):
            check()
        spent = (engine.spent() - before) / count
        told = [name for name in ("R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW", "BAYES_HAM", "BAYES_SPAM") if name in symbols]
        return spent, told


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=500)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--learn", type=int, default=250, help="messages of either kind that are learned before")
    options.add_argument("--rspamd", action="store_true")
    options = options.parse_args()
    learned, (header, body) = lessons(options.learn, 4_000)
    with tempfile.TemporaryDirectory() as directory:
        key = os.path.join(directory, "key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], capture_output=True, check=True)
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
        message = checks.sign(header, body, key)
    dns = checks.zone(base64.b64encode(public).decode())
    measured = lambda is_on: [1000 * ours(message, learned, options.messages, dns.port, is_on) for _ in range(options.rounds)]
    on, off = measured(True), measured(False)
    cost = statistics.median(on) - statistics.median(off)
    shown = lambda all: f"{statistics.median(all):.2f} ms ({', '.join(f'{it:.2f}' for it in all)})"
    print(f"A message of {len(message)} octets, computing time for each.\n")
    print("| | median; all runs |\n| --- | ---: |")
    print(f"| Posthouse, taking, judging and storing it | {shown(on)} |")
    print(f"| Posthouse, without checks and spam engine | {shown(off)} |")
    print(f"| the checks and the spam engine | **{cost:.2f} ms** |")
    if options.rspamd:
        runs = [theirs(message, learned, options.messages, dns.port) for _ in range(options.rounds)]
        spent = [1000 * seconds for seconds, _ in runs]
        print(f"| rspamd, the process that judges | {shown(spent)} |")
        print(f"| times as much | {statistics.median(spent) / cost:.1f} |")
        print(f"\nrspamd's symbols: {', '.join(runs[-1][1])}")


if __name__ == "__main__":
    main()

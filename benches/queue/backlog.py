"""Messages to very many domains of which some are dead, and the same without the dead ones: how long the live ones wait."""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from inbound import SESSIONS
from servers import DOMAIN, PASSWORD, Posthouse, free_port
from submit import submit

HERE = os.path.dirname(os.path.abspath(__file__))
SENDER = f"user0@{DOMAIN}"
SIZE = 4096


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="messages, with those to dead domains (default %(default)s)")
    parser.add_argument("--domains", type=int, default=1000, help="domains (default %(default)s)")
    parser.add_argument("--dead", type=int, default=300, help="dead ones among them: half refuse, half hang (default %(default)s)")
    parser.add_argument("--patience", type=int, default=900, help="seconds to wait for the last message (default %(default)s)")
    options = parser.parse_args()
    print("| | messages to live domains | delivered | taken, messages/s | median wait, s | 9 of 10 within, s | longest wait, s | most memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    medians = []
    for name, has_dead in ("without the dead", False), (f"with {options.dead} dead of {options.domains} domains", True):
        taken, waits, memory = run(options, has_dead)
        waits = waits or [float("nan")]
        medians.append(statistics.median(waits))
        print(
            f"| {name} | {taken[0]} | {len(waits)} | {taken[1]:.0f} | **{medians[-1]:.2f}** | {waits[len(waits) * 9 // 10]:.2f} "
            f"| {waits[-1]:.2f} | {memory:.0f} |",
            flush=True,
        )
    print(f"\nThe median wait with the dead is {medians[1] / medians[0]:.2f} times the one without.")


def run(options, has_dead):
    """One run on a fresh server: how many messages to live domains, and how many of all were taken a second; the waits, sorted; memory."""
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    live, silent = options.domains - options.dead, options.dead // 2
    dns, smtp, log = free_port(), free_port(), os.path.join(directory, "arrivals")
    far = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "far.py"), *map(str, (live, options.dead - silent, silent, dns, smtp, log))],
        stdout=subprocess.PIPE,
    )
    far.stdout.readline()
    limits = "".join(f"{what}_per_{span} = 0\n" for what in ("messages", "recipients") for span in ("hour", "day"))
    settings = f"[outbound]\nsmtp_port = {smtp}\nmta_sts = false\n[submission]\n{limits}"
    server = Posthouse(directory, ["user0"], settings, dns)
    try:
        chance = random.Random(7)
        goals = [(number, chance.randrange(options.domains)) for number in range(options.messages)]
        goals = [goal for goal in goals if has_dead or goal[1] < live]
        expected = sum(domain < live for _, domain in goals)
        began = time.monotonic()
        accepted = asyncio.run(submit_all(server.submission, goals))
        rate = len(goals) / (time.monotonic() - began)
        end = time.monotonic() + options.patience
        while lines(log) < expected and time.monotonic() < end:
            time.sleep(0.2)
        with open(log, encoding="utf-8") as file:
            arrivals = dict(line.split() for line in file)
        waits = sorted(float(at) - accepted[recipient] for recipient, at in arrivals.items())
        return (expected, rate), waits, most_memory(server.pid)
    finally:
        server.stop()
        far.terminate()
        far.wait(30)
        shutil.rmtree(directory, ignore_errors=True)


async def submit_all(port, goals):
    """When each message was accepted, by the local part of its recipient."""
    accepted = {}

    def note(recipient):
        accepted[recipient.split("@")[0]] = time.monotonic()

    recipients = [f"{number}@{domain}.far.test" for number, domain in goals]
    await asyncio.gather(*(submit(port, recipients[first::SESSIONS], SIZE, (SENDER, PASSWORD), note) for first in range(SESSIONS)))
    return accepted


def lines(path):
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def most_memory(pid):
    """The most memory that the process had, in megabytes."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()

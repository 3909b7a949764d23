"""Submission over 20 sessions, 4 KiB each, relayed to one smtp-sink; the clock stops when the sink has every message."""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from inbound import SIZE, SESSIONS, syncs_per_second
from servers import DOMAIN, PASSWORD, Postfix, Posthouse, free_port, wait_for_port

HERE = os.path.dirname(os.path.abspath(__file__))
SENDER = f"user0@{DOMAIN}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="messages in a run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turn (default %(default)s)")
    parser.add_argument("--domains", type=int, default=100, help="domains of the second case (default %(default)s)")
    parser.add_argument("--only", choices=["postfix", "posthouse"], help="run only one of the two")
    options = parser.parse_args()
    contestants = {"postfix": [relaying_postfix], "posthouse": [relaying_posthouse]}.get(options.only, [relaying_postfix, relaying_posthouse])
    print(
        f"{os.cpu_count()} cores, {syncs_per_second():.0f} syncs a second of 4 KiB files; "
        f"{options.messages} messages of {SIZE} octets, {SESSIONS} sessions",
        flush=True,
    )
    rows = []
    for domains in sorted({1, options.domains}):
        figures = {contestant: [] for contestant in contestants}
        for number in range(options.rounds):
            for contestant in contestants:
                rate = run(contestant, domains, options.messages)
                figures[contestant].append(rate)
                print(f"  {domains} domains, round {number + 1}, {contestant.__doc__}: {rate:.0f} messages/s", flush=True)
        rows.append((domains, figures))
    print("\n| domains | " + " | ".join(f"{contestant.__doc__}, messages/s (median; all runs)" for contestant in contestants) + " | ratio |")
    print("| ---: |" + " ---: |" * (len(contestants) + 1))
    for domains, figures in rows:
        medians = [statistics.median(figures[contestant]) for contestant in contestants]
        cells = [
            f"**{median:.0f}** ({', '.join(f'{rate:.0f}' for rate in figures[contestant])})"
            for median, contestant in zip(medians, contestants)
        ]
        print(f"| {domains} | {' | '.join(cells)} | {medians[-1] / medians[0]:.1f} |")


def relaying_postfix(directory, sink):
    """Postfix"""
    return Postfix(directory, f"relayhost = [127.0.0.1]:{sink}\n")


def relaying_posthouse(directory, sink):
    """Posthouse"""
    settings = f'[outbound]\nsmarthost = "127.0.0.1:{sink}"\n[submission]\nmessages_per_hour = 0\nmessages_per_day = 0\n'
    return Posthouse(directory, ["user0"], settings + "recipients_per_hour = 0\nrecipients_per_day = 0\n")


class Sink:
    """smtp-sink, which says how many messages it has."""

    def __init__(self):
        self.port = free_port()
        self.count = 0
        self.process = subprocess.Popen(
            ["smtp-sink", "-u", "nobody", "-c", f"inet:127.0.0.1:{self.port}", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        wait_for_port(self.port, self.process)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        rest = b""
        while piece := os.read(self.process.stdout.fileno(), 65536):
            rest = (rest + piece)[-200:]
            for found in re.findall(rb"mesg=(\d+)\D", rest):
                self.count = max(self.count, int(found))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def run(contestant, domains, messages):
    """One run on a fresh server; gives messages a second."""
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    os.chmod(directory, 0o755)
    sink = Sink()
    server = contestant(directory, sink.port)
    try:
        port = getattr(server, "submission", server.smtp)
        began = time.monotonic()
        driver = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "submit.py"), *map(str, (port, SESSIONS, messages, SIZE, SENDER, PASSWORD, domains))]
        )
        while sink.count < messages:
            time.sleep(0.01)
            if driver.poll() not in (None, 0):
                raise SystemExit("the driver failed")
            if time.monotonic() - began > 600:
                raise SystemExit(f"{sink.count} of {messages} messages in ten minutes")
        took = time.monotonic() - began
        driver.wait(30)
        return messages / took
    finally:
        server.stop()
        sink.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()

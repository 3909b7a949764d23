"""The same Maildir under Dovecot and under Posthouse: each command timed on both, in turn, in one run."""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

import corpus
from dovecot import Dovecot
from search import wait_for_index
from servers import DOMAIN, PASSWORD, Posthouse
from session import Session

USER = f"user0@{DOMAIN}"
# What is timed once, and then again: label, command; `{n}` is the number of messages.
READS = [
    ("FETCH 1:* (UID FLAGS)", "FETCH 1:* (UID FLAGS)"),
    ("FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)", "FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)"),
    ("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])"),
    ("FETCH 1:{tenth} (BODY.PEEK[])", "FETCH 1:{tenth} (BODY.PEEK[])"),
    ("SEARCH UNSEEN", "SEARCH UNSEEN"),
    ("SEARCH SINCE 1-Dec-2023 LARGER 5000", "SEARCH SINCE 1-Dec-2023 LARGER 5000"),
    ('SEARCH SUBJECT "invoice"', 'SEARCH SUBJECT "invoice"'),
    ('SEARCH BODY "certificate yellow"', 'SEARCH BODY "certificate yellow"'),
    ("SORT (DATE) UTF-8 ALL", "SORT (DATE) UTF-8 ALL"),
    ("SORT (SUBJECT FROM) UTF-8 ALL", "SORT (SUBJECT FROM) UTF-8 ALL"),
    ("THREAD REFERENCES UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"),
]
WRITES = [
    ("STORE 1:* +FLAGS.SILENT (\\Flagged)", "STORE 1:* +FLAGS.SILENT (\\Flagged)"),
    ("STORE 1:* -FLAGS.SILENT (\\Flagged)", "STORE 1:* -FLAGS.SILENT (\\Flagged)"),
    ("COPY 1:{tenth} to another mailbox", "COPY 1:{tenth} Other"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="messages in the mailbox (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="warm repetitions, of which the median counts (default %(default)s)")
    parser.add_argument("--idle", type=int, default=5_000, help="idle connections (default %(default)s)")
    parser.add_argument("--appends", type=int, default=500, help="messages appended one after the other (default %(default)s)")
    parser.add_argument("--logins", type=float, default=5, help="seconds of logins (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    os.chmod(directory, 0o755)
    contestants = [DovecotSide(os.path.join(directory, "dovecot")), PosthouseSide(os.path.join(directory, "posthouse"))]
    try:
        dovecot, posthouse = contestants
        octets = corpus.fill(dovecot.maildir(), options.messages)
        shutil.copytree(dovecot.maildir(), posthouse.maildir(), copy_function=os.link, dirs_exist_ok=True)
        dovecot.own()
        rows = {}
        for side in contestants:
            measure(side, options, rows)
        table(rows, options, octets)
        print(f"\nDovecot: {dovecot.server.cache_hits()}")
    finally:
        for side in contestants:
            side.stop()
        shutil.rmtree(directory, ignore_errors=True)


class DovecotSide:
    """Dovecot with one mailbox to measure."""

    def __init__(self, directory):
        os.makedirs(directory)
        self.server = Dovecot(directory)

    def maildir(self):
        return self.server.maildir("user0")

    def own(self):
        self.server.own("user0")

    def settle(self, messages):
        pass

    def restart(self):
        self.server.stop()
        self.server.start()

    def port(self):
        return self.server.imap

    def pids(self):
        return self.server.pids()

    def stop(self):
        self.server.stop()


class PosthouseSide:
    """Posthouse with the same."""

    def __init__(self, directory):
        os.makedirs(directory)
        self.directory = directory
        os.environ["POSTHOUSE_LIMITS__MAX_CONNECTIONS_PER_ADDRESS"] = "0"
        self.start()
        Session(self.port(), USER, PASSWORD).close()

    def start(self):
        self.server = Posthouse(self.directory, [f"user{number}" for number in range(20)])

    def maildir(self):
        return self.server.maildir("user0")

    def settle(self, messages):
        wait_for_index(self.directory, messages)

    def restart(self):
        self.server.stop()
        os.remove(os.path.join(self.directory, "ready.json"))
        self.start()

    def port(self):
        return self.server.imap

    def pids(self):
        return [self.server.pid]

    def stop(self):
        self.server.stop()


def measure(side, options, rows):
    """Fills in the figures of one side: a list of seconds for each label."""
    name = type(side.server).__name__

    def row(label, figure):
        rows.setdefault(label, {})[name] = figure

    session = Session(side.port(), USER, PASSWORD)
    # The same for both: what was just written is in the page cache, what was there before the other side's restart is not.
    drop_caches()
    first = timed(session, "SELECT INBOX")
    row("SELECT, the first ever", first)
    # Who answers before it has done all its work has to do it now.
    row("SELECT, the first ever, and FETCH 1:* (UID FLAGS)", first + timed(session, "FETCH 1:* (UID FLAGS)"))
    session.close()
    # What is made in the background of a folder that is new is not part of what comes after.
    side.settle(options.messages)
    let_age(side)
    side.restart()
    drop_caches()
    session = Session(side.port(), USER, PASSWORD)
    row("SELECT after a restart, nothing cached", timed(session, "SELECT INBOX"))
    row("SELECT again", select_again(side, options.repeat * 20))
    tenth = max(options.messages // 10, 1)
    offered = session.command("CAPABILITY").split()
    for label, command in READS:
        label, command = label.format(tenth=tenth), command.format(tenth=tenth)
        if command.split()[0] in ("SORT", "THREAD") and not any(word.startswith(command.split()[0].encode()) for word in offered):
            continue
        row(f"{label}, first", timed(session, command))
        row(f"{label}, again", median(session, command, options.repeat))
    session.command("CREATE Other")
    for label, command in WRITES:
        row(label.format(tenth=tenth), timed(session, command.format(tenth=tenth)))
    letter = corpus.letter(corpus.random.Random(3), 1, [])
    began = time.perf_counter()
    for _ in range(options.appends):
        session.append("Other", letter)
    row(f"APPEND of {options.appends} messages", time.perf_counter() - began)
    session.close()
    if options.logins > 0:
        row("logins a second, 8 at a time", logins(side, options.logins))
    if options.idle > 0:
        row(f"memory of each of {options.idle} idle sessions with INBOX of user1 selected, KB", idle_memory(side, options.idle))


def let_age(side, seconds=5):
    """Waits until the folder's last change is so long ago that it cannot hide another in the same tick of its clock, and lets both sides see
    that: until then they go through it at each SELECT, Dovecot also in the session after."""
    changed = max(os.stat(os.path.join(side.maildir(), part)).st_mtime for part in ("new", "cur"))
    time.sleep(max(0, changed + seconds - time.time()))
    for _ in range(3):
        session = Session(side.port(), USER, PASSWORD)
        session.command("SELECT INBOX")
        session.close()


def timed(session, command):
    began = time.perf_counter()
    session.command(command)
    return time.perf_counter() - began


def median(session, command, repeat):
    return statistics.median(timed(session, command) for _ in range(repeat))


def select_again(side, repeat):
    """The median over ten sessions: it is a matter of some 30 microseconds, and of 100 where a session happens to be served by another
    processor than the one it is asked from."""
    times = []
    for _ in range(10):
        session = Session(side.port(), USER, PASSWORD)
        session.command("SELECT INBOX")
        times += [timed(session, "SELECT INBOX") for _ in range(repeat)]
        session.close()
    return statistics.median(times)


def logins(side, seconds):
    """Sessions that log in and go, by 8 threads over 20 users; how many a second."""
    for number in range(20):
        Session(side.port(), f"user{number}@{DOMAIN}", PASSWORD).close()
    end = time.perf_counter() + seconds
    counts = [0] * 8
    port = side.port()

    def work(place):
        while time.perf_counter() < end:
            log_in(port, (place + counts[place]) % 20)
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def log_in(port, user):
    """A session that logs in and goes, with as little work on this side as can be."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.recv(4096)
        connection.sendall(b"x LOGIN user%d@%s %s\r\n" % (user, DOMAIN.encode(), PASSWORD.encode()))
        answer = connection.recv(4096)
        while b"x OK" not in answer:
            piece = connection.recv(4096)
            if not piece or b"x NO" in answer:
                raise SystemExit(f"LOGIN: {answer!r}")
            answer += piece


def idle_memory(side, count):
    """KB of proportional memory that each session adds, while all of them IDLE."""
    before = memory(side)
    sessions = []
    for _ in range(count):
        session = Session(side.port(), f"user1@{DOMAIN}", PASSWORD)
        session.command("SELECT INBOX")
        session.socket.sendall(b"i IDLE\r\n")
        session.socket.recv(100)
        sessions.append(session)
    after = memory(side)
    for session in sessions:
        session.close()
    return (after - before) / count


def memory(side):
    total = 0
    for pid in side.pids():
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            continue
    return total


def drop_caches():
    """So that files are read from the disk; only root can."""
    subprocess.run(["sync"], check=True)
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3\n")
    except OSError as error:
        print(f"the page cache stays warm: {error}")


def shown(seconds):
    """A time; what is below a millisecond in hundredths of it."""
    return f"{seconds * 1000:.{1 if seconds >= 0.001 else 2}f} ms"


def table(rows, options, octets):
    print(f"\n{options.messages} messages of {octets // options.messages} octets on average, {os.cpu_count()} cores\n")
    print("| what | Dovecot | Posthouse | times as fast |\n| --- | ---: | ---: | ---: |")
    for label, figures in rows.items():
        dovecot, posthouse = figures.get("Dovecot"), figures.get("Posthouse")
        if posthouse is None:
            print(f"| {label} | {shown(dovecot)} | not offered | |")
        elif label.startswith(("logins", "memory")):
            # So few connections may need no memory that can be seen.
            better, other = (posthouse, dovecot) if label.startswith("logins") else (dovecot, posthouse)
            ratio = f"{better / other:.1f}" if other else ""
            print(f"| {label} | {dovecot:.1f} | {posthouse:.1f} | {ratio} |")
        else:
            print(f"| {label} | {shown(dovecot)} | {shown(posthouse)} | {dovecot / posthouse:.1f} |")


if __name__ == "__main__":
    main()

"""Provisioning over the REST API of Posthouse: how long it takes to make many users, and to hash their passwords."""

import argparse
import concurrent.futures
import http.client
import json
import os
import shutil
import tempfile
import time

from servers import DOMAIN, Posthouse

#: Of argon2 with its usual cost, as a panel has it already.
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000, help="users of each kind (default %(default)s)")
    parser.add_argument("--passwords", type=int, default=200, help="users whose password is to be hashed (default %(default)s)")
    parser.add_argument("--connections", type=int, default=8, help="connections of single requests (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    try:
        server = Posthouse(directory, ["user"])
        try:
            measure(server, options)
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(server, options):
    print("| what | users | seconds | users a second | processor seconds of the server |")
    print("| --- | ---: | ---: | ---: | ---: |")
    hashed = {"password_hash": HASH}
    for label, count, work in [
        ("one batch (NDJSON), passwords hashed before", options.users, lambda n: batch(server, "batch", n, hashed)),
        ("the same again: all are there", options.users, lambda n: batch(server, "batch", n, hashed)),
        (f"PUT, {options.connections} connections", options.users, lambda n: puts(server, "put", n, options.connections)),
        ("one batch, passwords to hash", options.passwords, lambda n: batch(server, "plain", n, {"password": "correct horse battery"})),
    ]:
        before, began = processor_seconds(server.pid), time.perf_counter()
        work(count)
        seconds = time.perf_counter() - began
        spent = processor_seconds(server.pid) - before
        print(f"| {label} | {count} | {seconds:.2f} | {count / seconds:.0f} | {spent:.2f} |", flush=True)


def batch(server, prefix, count, secret):
    lines = [json.dumps({"address": f"{prefix}{number}@{DOMAIN}", "display_name": f"User {number}", **secret}) for number in range(count)]
    connection = http.client.HTTPConnection("127.0.0.1", server.http)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/x-ndjson"}
    connection.request("POST", "/api/v1/batch/users", "\n".join(lines).encode(), headers)
    answer = connection.getresponse()
    results = [json.loads(line) for line in answer.read().splitlines()]
    wrong = [result for result in results if result["status"] not in (200, 201)]
    if answer.status != 200 or len(results) != count or wrong:
        raise SystemExit(f"the batch gave {answer.status}, {len(results)} results, and {wrong[:1]}")


def puts(server, prefix, count, connections):
    def some(first):
        connection = http.client.HTTPConnection("127.0.0.1", server.http)
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json", "Prefer": "return=minimal"}
        for number in range(first, count, connections):
            body = json.dumps({"display_name": f"User {number}", "password_hash": HASH})
            connection.request("PUT", f"/api/v1/users/{prefix}{number}@{DOMAIN}", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status not in (201, 204):
                raise SystemExit(f"PUT gave {answer.status}")

    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(some, range(connections)))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

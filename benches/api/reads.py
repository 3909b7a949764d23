"""Reads over the REST API of Posthouse, as fast as wrk asks on as many connections: requests a second and their times."""

import argparse
import re
import shutil
import subprocess
import tempfile

from corpus import fill
from servers import DOMAIN, Posthouse

ADDRESS = f"user@{DOMAIN}"

#: A caller may make no more requests than that in a minute; here it is not to be what is measured.
SETTINGS = "[http]\nrequests_per_minute = 0"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="how long each is asked for (default %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="of wrk (default %(default)s)")
    parser.add_argument("--users", type=int, default=1_000, help="users of the domain (default %(default)s)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="posthouse-bench-")
    try:
        server = Posthouse(directory, ["user"], settings=SETTINGS)
        try:
            fill(server.maildir("user"), 2_000)
            measure(server, options)
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(server, options):
    for number in range(options.users):
        server.call("PUT", f"/users/user{number}@{DOMAIN}", {"display_name": f"User {number}"})
    message = server.call("GET", f"/users/{ADDRESS}/messages?limit=1")["items"][0]["id"]
    print("| request | requests a second | median ms | 99 % ms | errors |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for label, path in [
        ("one user", f"/users/{ADDRESS}"),
        ("one domain", f"/domains/{DOMAIN}"),
        ("a page of 20 users", "/users?limit=20"),
        ("one message, decoded", f"/users/{ADDRESS}/messages/{message}"),
        ("a page of 20 messages", f"/users/{ADDRESS}/messages?limit=20"),
    ]:
        command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency"]
        command += ["-H", f"Authorization: Bearer {server.token}", f"http://127.0.0.1:{server.http}/api/v1{path}"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        print(f"| {label} | {rate:.0f} | {latency(said, 50):.2f} | {latency(said, 99):.2f} | {wrong[1] if wrong else 0} |", flush=True)


def latency(said, percent):
    number, unit = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)$", said, re.MULTILINE).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


if __name__ == "__main__":
    main()

"""Debian's rspamd with its defaults, private to a run: no name server, learning in a Redis of its own."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SETTINGS = {
    "worker-normal.inc": 'bind_socket = "127.0.0.1:{check}";\ncount = 1;\n',
    "worker-controller.inc": 'bind_socket = "127.0.0.1:{learn}";\nsecure_ip = "127.0.0.1";\ncount = 1;\n',
    "worker-proxy.inc": "enabled = false;\n",
    "redis.conf": 'servers = "127.0.0.1:{redis}";\n',
    # Nobody answers, and nobody waits for it.
    "options.inc": 'dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }}\n',
    # Each message comes once.
    "greylist.conf": "enabled = false;\n",
    # The corpus is old, and rspamd cannot be told so.
    "headers_group.conf": 'symbols {{ "DATE_IN_PAST" {{ weight = 0.0; }} }}\n',
}


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Rspamd:
    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="spam-rspamd-"))
        self.ports = {name: free_port() for name in ("check", "learn", "redis")}
        shutil.copytree("/etc/rspamd", self.folder / "etc")
        local = self.folder / "etc/local.d"
        local.mkdir(exist_ok=True)
        for name, text in SETTINGS.items():
            (local / name).write_text(text.format(**self.ports))
        for name in ("db", "log", "run", "redis"):
            (self.folder / name).mkdir()
        (local / "logging.inc").write_text(f'type = "file"; filename = "{self.folder}/log/rspamd.log"; level = "warning";\n')
        subprocess.run(["chown", "-R", "_rspamd:_rspamd", self.folder], check=True)
        os.chmod(self.folder, 0o755)
        redis = ["redis-server", "--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder / "redis")]
        self.redis = subprocess.Popen(redis, stdout=subprocess.DEVNULL)
        places = {"CONFDIR": "etc", "LOCAL_CONFDIR": "etc", "DBDIR": "db", "LOGDIR": "log", "RUNDIR": "run"}
        variables = [f"--var={name}={self.folder / place}" for name, place in places.items()]
        command = ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", str(self.folder / "etc/rspamd.conf"), *variables]
        self.rspamd = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.ports["check"]), 1).close()
                return self
            except OSError:
                time.sleep(0.5)
        raise SystemExit("rspamd does not start")

    def __exit__(self, *_):
        self.rspamd.terminate()
        self.redis.terminate()
        self.rspamd.wait()
        self.redis.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, port, path, octets):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[port]}/{path}", data=octets, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                # Nothing where it has learned the same words before.
                return json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return {"error": error.code}

    def spent(self):
        """Seconds of CPU of the process that judges: the children of the main one but those that learn or compile."""
        total = 0
        for line in Path(f"/proc/{self.rspamd.pid}/task/{self.rspamd.pid}/children").read_text().split():
            name = Path(f"/proc/{line}/cmdline").read_bytes().replace(b"\0", b" ")
            if b"normal process" in name:
                fields = Path(f"/proc/{line}/stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total


def judge(learn, judged):
    """What it makes of each message after it has learned the others, and the seconds of CPU for that."""
    with Rspamd() as rspamd:
        for path, is_spam in learn:
            rspamd.ask("learn", "learnspam" if is_spam else "learnham", path.read_bytes())
        verdicts = {}
        before = rspamd.spent()
        for path, _ in judged:
            verdicts[str(path)] = rspamd.ask("check", "checkv2", path.read_bytes())
        return verdicts, rspamd.spent() - before

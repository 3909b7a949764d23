"""The contestants: each starts on free ports of 127.0.0.1 in a directory of its own, and ends when told to."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
import urllib.request

DOMAIN = "house.test"
PASSWORD = "open-sesame-7"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise SystemExit(f"the server on port {port} ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nobody listens on port {port}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Posthouse:
    """Our own, with its defaults but for the ports; `settings` are further lines, `dns` is the port of its resolver. Only with `checks` is it
    found out whom mail is from: the others do not look for that either."""

    name = "Posthouse"

    def __init__(self, directory, users, settings="", dns=9, checks=False):
        config = os.path.join(directory, "posthouse.toml")
        self.log = open(os.path.join(directory, "log"), "w", encoding="utf-8")
        listeners = ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "managesieve", "http")
        trusted = "" if checks else '"127.0.0.0/8"'
        listen = "\n".join(f'{name} = ["127.0.0.1:0"]' for name in listeners)
        write(
            config,
            f'hostname = "mail.{DOMAIN}"\n[listen]\n{listen}\n'
            '[tls]\nallow_plaintext_auth_from = ["127.0.0.0/8"]\n'
            f'[checks]\ntrusted_networks = [{trusted}]\n'
            f'[dns]\nservers = ["127.0.0.1:{dns}"]\n{settings}',
        )
        ready = os.path.join(directory, "ready.json")
        data = os.path.join(directory, "data")
        binary = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "posthouse")
        self.process = subprocess.Popen(
            [binary, "serve", "--config", config, "--data", data, "--ready-file", ready],
            env=dict(os.environ, POSTHOUSE_ADMIN_PASSWORD=PASSWORD),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        while not os.path.exists(ready):
            if self.process.poll() is not None:
                raise SystemExit(f"posthouse ended with status {self.process.returncode}: see {self.log.name}")
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            addresses = json.load(file)
        self.port = port = lambda name: int(addresses[name][0].rsplit(":", 1)[1])
        self.smtp, self.submission, self.imap, self.http = port("smtp"), port("submission"), port("imap"), port("http")
        self.pop3 = port("pop3")
        self.pid = self.process.pid
        self.maildir = lambda user: os.path.join(data, "mail", DOMAIN, user)
        self.provision(users)

    def provision(self, users):
        tokens = self.call("POST", "/auth/login", {"username": "admin", "password": PASSWORD})
        self.token = tokens["access_token"]
        self.call("PUT", f"/domains/{DOMAIN}", {"domain": DOMAIN})
        for user in users:
            address = f"{user}@{DOMAIN}"
            self.call("PUT", f"/users/{address}", {"address": address, "password": PASSWORD})

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/api/v1{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        if hasattr(self, "token"):
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


class Postfix:
    """Debian's, with its defaults, on a free port; `settings` are further lines of main.cf."""

    name = "Postfix"

    def __init__(self, directory, settings):
        self.smtp = free_port()
        self.config = os.path.join(directory, "postfix")
        self.log = open(os.path.join(directory, "postfix-log"), "w", encoding="utf-8")
        for name in ("postfix", "queue", "data"):
            os.mkdir(os.path.join(directory, name))
        shutil.chown(os.path.join(directory, "data"), "postfix")
        write(
            os.path.join(self.config, "main.cf"),
            f"""
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/postfix.log
maillog_file_prefixes = {directory}
myhostname = mail.{DOMAIN}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
{settings}""",
        )
        services = f"""127.0.0.1:{self.smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
        write(os.path.join(self.config, "master.cf"), services)
        subprocess.run(["postfix", "-c", self.config, "start"], check=True, stdout=self.log, stderr=self.log)
        wait_for_port(self.smtp)

    def stop(self):
        subprocess.run(["postfix", "-c", self.config, "stop"], check=False, stdout=self.log, stderr=self.log)
        self.log.close()


class Pair:
    """Debian's Postfix and Dovecot: defaults, virtual mailboxes over LMTP, Maildir."""

    name = "Postfix + Dovecot LMTP"

    def __init__(self, directory, users):
        self.imap, lmtp = free_port(), free_port()
        self.log = open(os.path.join(directory, "log"), "w", encoding="utf-8")
        self.start_dovecot(directory, lmtp)
        mailboxes = os.path.join(directory, "mailboxes")
        write(mailboxes, "".join(f"{user}@{DOMAIN} {user}\n" for user in users))
        self.postfix = Postfix(
            directory,
            f"""
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = texthash:{mailboxes}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
""",
        )
        self.smtp = self.postfix.smtp

    def start_dovecot(self, directory, lmtp):
        owner = pwd.getpwnam("mail")
        home = os.path.join(directory, "home")
        os.mkdir(home)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        config = os.path.join(directory, "dovecot.conf")
        write(
            config,
            f"""
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={home}/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
""",
        )
        self.dovecot = subprocess.Popen(["dovecot", "-F", "-c", config], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for_port(lmtp, self.dovecot)
        wait_for_port(self.imap, self.dovecot)

    def stop(self):
        self.postfix.stop()
        self.dovecot.terminate()
        self.dovecot.wait(30)
        self.log.close()

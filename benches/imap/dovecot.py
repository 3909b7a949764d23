"""Debian's Dovecot for IMAP alone, with its defaults but for logins, and room for many connections.

Its auth cache saves what a password is looked up in, not the hash: of a passdb that gives out hashes each login checks one, and a passwd-file
is not cached at all. So users are known to PAM here, which lets everybody in that is not in the cache yet; what is in it has a SHA-1.
A process that served a session serves others after it.
"""

import os
import pwd
import signal
import subprocess
import time

from servers import free_port, wait_for_port, write


# Its name in /etc/pam.d, as long as it runs.
PAM = "posthouse-bench"


class Dovecot:
    """Started on a free port in a directory of its own."""

    name = "Dovecot"

    def __init__(self, directory):
        self.owner = pwd.getpwnam("mail")
        self.directory = directory
        self.home = os.path.join(directory, "home")
        os.makedirs(self.home, exist_ok=True)
        os.chown(self.home, self.owner.pw_uid, self.owner.pw_gid)
        self.config = os.path.join(directory, "dovecot.conf")
        self.start()

    def start(self):
        """Starts it, also again."""
        self.imap = free_port()
        write(
            self.config,
            f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/state
log_path = {self.directory}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
auth_cache_size = 16 M
auth_cache_ttl = 1 hour
auth_cache_verify_password_with_worker = no
mail_max_userip_connections = 0
default_client_limit = 20000
default_process_limit = 10000
mail_location = maildir:~/Maildir
passdb {{
  driver = pam
  args = cache_key=%u {PAM}
}}
userdb {{
  driver = static
  args = uid={self.owner.pw_uid} gid={self.owner.pw_gid} home={self.home}/%n
}}
service imap {{
  service_count = 1000
  process_min_avail = 2
  process_limit = 10000
}}
service imap-login {{
  service_count = 0
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""",
        )
        write(f"/etc/pam.d/{PAM}", "auth required pam_permit.so\naccount required pam_permit.so\n")
        with open(f"{self.directory}/log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(["dovecot", "-F", "-c", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_port(self.imap, self.process)

    def maildir(self, user):
        """Where the INBOX of a user is, by local part."""
        return os.path.join(self.home, user, "Maildir")

    def own(self, user):
        """Gives the files of a user to the account that the mailboxes belong to."""
        subprocess.run(["chown", "-R", f"{self.owner.pw_uid}:{self.owner.pw_gid}", os.path.join(self.home, user)], check=True)

    def pids(self):
        """The process and all below it."""
        found, last = [self.process.pid], 0
        children = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                    children.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
            except OSError:
                continue
        while last < len(found):
            found += children.get(found[last], [])
            last += 1
        return found

    def cache_hits(self):
        """What it says itself of its auth cache."""
        for pid in self.pids():
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().strip() == "auth":
                    os.kill(pid, signal.SIGUSR2)
        time.sleep(0.5)
        with open(f"{self.directory}/dovecot.log", encoding="utf-8") as log:
            said = [line.split("auth: Info: ")[1].strip() for line in log if "Authentication cache hits" in line]
        return said[-1] if said else "nothing of its auth cache"

    def stop(self):
        """Ends it and waits."""
        self.process.terminate()
        self.process.wait(60)
        if os.path.exists(f"/etc/pam.d/{PAM}"):
            os.remove(f"/etc/pam.d/{PAM}")

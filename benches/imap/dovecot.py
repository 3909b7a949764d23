"""Debian's Dovecot for IMAP alone, with its defaults, its auth cache on, and room for many connections."""

import os
import pwd
import subprocess

from servers import PASSWORD, free_port, wait_for_port, write


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
mail_max_userip_connections = 0
default_client_limit = 20000
default_process_limit = 10000
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = {self.directory}/passwd
}}
userdb {{
  driver = static
  args = uid={self.owner.pw_uid} gid={self.owner.pw_gid} home={self.home}/%n
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
        hashed = subprocess.run(["doveadm", "pw", "-s", "ARGON2ID", "-p", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
        write(f"{self.directory}/passwd", "".join(f"user{number}@house.test:{hashed}\n" for number in range(20)))
        os.chmod(f"{self.directory}/passwd", 0o644)
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

    def stop(self):
        """Ends it and waits."""
        self.process.terminate()
        self.process.wait(60)

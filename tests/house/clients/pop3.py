"""Reads and removes the one message of a maildrop: pop3.py POP3S-PORT POP3-PORT USER PASSWORD."""

import poplib
import ssl
import sys

pop3s_port, pop3_port, user, password = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

drop = poplib.POP3("127.0.0.1", int(pop3_port))
assert "STLS" in drop.capa()
drop.stls(context)
drop.user(user)
drop.pass_(password)
count, size = drop.stat()
assert count == 1 and size > 0
name = drop.uidl(1).split()[2]
drop.quit()

drop = poplib.POP3_SSL("127.0.0.1", int(pop3s_port), context=context)
drop.user(user)
drop.pass_(password)
assert drop.list()[1] == [b"1 %d" % size], drop.list()
assert drop.uidl(1).split()[2] == name
_, lines, octets = drop.retr(1)
assert lines[-1] == b"Hello reader.", lines
assert octets == size, (octets, size)
assert drop.top(1, 0)[1][-1] == b""
drop.dele(1)
drop.rset()
drop.dele(1)
drop.quit()
print("ok")

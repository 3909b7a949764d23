"""Uses a mailbox with one message as a Python program does: imap.py IMAPS-PORT IMAP-PORT USER PASSWORD."""

import imaplib
import ssl
import sys

imaps_port, imap_port, user, password = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


plain = imaplib.IMAP4("127.0.0.1", int(imap_port))
try:
    plain.login(user, password)
    sys.exit("a login in clear text was taken")
except imaplib.IMAP4.error:
    pass
ok(plain.starttls(context))
ok(plain.login(user, password))
plain.logout()

box = imaplib.IMAP4_SSL("127.0.0.1", int(imaps_port), ssl_context=context)
ok(box.login(user, password))
assert b"INBOX" in b" ".join(ok(box.list()))
assert ok(box.select("INBOX")) == [b"1"]
assert ok(box.search(None, "SUBJECT", '"for a reader"')) == [b"1"]
(envelope, header), _ = ok(box.fetch("1", "(UID RFC822.SIZE BODY.PEEK[HEADER])"))
assert b"Subject: for a reader\r\n" in header, header
(_, text), _ = ok(box.fetch("1", "(BODY.PEEK[TEXT])"))
assert text == b"Hello reader.\r\n", text
ok(box.store("1", "+FLAGS", r"(\Seen \Flagged)"))
assert rb"\Flagged" in ok(box.fetch("1", "(FLAGS)"))[0]
ok(box.create("python"))
ok(box.append("python", r"(\Seen)", imaplib.Time2Internaldate(1700000000), b"Subject: appended\r\n\r\nhere\r\n"))
ok(box.copy("1", "python"))
ok(box.uid("COPY", "1", "python"))
assert b"(MESSAGES 3 UNSEEN 0)" in ok(box.status("python", "(MESSAGES UNSEEN)"))[0]
assert ok(box.select("python")) == [b"3"]
ok(box.store("1:2", "+FLAGS", r"\Deleted"))
assert ok(box.expunge()) == [b"1", b"1"]
ok(box.unselect())
ok(box.delete("python"))
ok(box.select("INBOX", readonly=True))
box.close()
box.logout()
print("ok")

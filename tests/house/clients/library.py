"""Uses a mailbox with one message through IMAPClient: library.py IMAPS-PORT CERTIFICATE USER PASSWORD."""

import ssl
import sys

from imapclient import RECENT, SEEN, IMAPClient

port, certificate, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
context.check_hostname = False


def connect():
    client = IMAPClient("127.0.0.1", port=int(port), ssl_context=context, timeout=30)
    client.login(user, password)
    return client


client = connect()
assert {name for _, _, name in client.list_folders()} >= {"INBOX", "Sent", "Trash"}
special = {name: flags for flags, _, name in client.list_folders()}
assert b"\\Sent" in special["Sent"], special
assert client.find_special_folder(b"\\Trash") == "Trash"
assert client.namespace().personal[0][0] == "", client.namespace()

selected = client.select_folder("INBOX")
assert selected[b"EXISTS"] == 1, selected
fetched = client.fetch([1], ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[TEXT]"])[1]
assert fetched[b"ENVELOPE"].subject == b"for a reader", fetched
assert fetched[b"BODY[TEXT]"].strip() == b"Hello reader.", fetched
assert set(client.add_flags([1], [SEEN, "$Forwarded"])[1]) - {RECENT} == {SEEN, b"$Forwarded"}
assert set(client.remove_flags([1], ["$Forwarded"])[1]) - {RECENT} == {SEEN}

assert client.search(["SEEN", "SUBJECT", "reader"]) == [1]
assert client.search(["TEXT", "grün"], charset="UTF-8") == []
assert client.search(["UNSEEN"]) == []

# A name that modified UTF-7 has to spell (RFC 3501 §5.1.3).
folder = "Entwürfe & mehr/日本語"
client.create_folder(folder)
client.subscribe_folder(folder)
assert folder in {name for _, _, name in client.list_sub_folders()}
client.append(folder, b"Subject: appended\r\n\r\nText.\r\n", flags=[SEEN])
assert client.folder_status(folder, ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 1, b"UNSEEN": 0}
client.copy([1], folder)
client.move([1], "Trash")
assert client.search() == []
client.select_folder(folder, readonly=True)
assert len(client.search()) == 2

# IDLE in one session, a message from another.
client.select_folder("INBOX")
other = connect()
client.idle()
other.append("INBOX", b"Subject: meanwhile\r\n\r\nText.\r\n")
heard = []
while (1, b"EXISTS") not in heard:
    more = client.idle_check(timeout=30)
    assert more, heard
    heard += more
client.idle_done()
found = client.search(["SUBJECT", "meanwhile"])
assert len(found) == 1, found
client.delete_messages(found)
client.expunge(found)
assert client.search() == []
client.delete_folder(folder)
other.logout()
client.logout()
print("ok")

"""Uses Roundcube as a person's browser does: webmail.py URL USER PASSWORD RECIPIENT. INBOX has one message."""

import http.cookiejar
import json
import re
import sys
import urllib.parse
import urllib.request

base, user, password, recipient = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
token = ""


def get(**query):
    url = base + "?" + urllib.parse.urlencode({"_" + name: value for name, value in query.items()})
    return opener.open(url, timeout=60).read().decode()


def post(action, **fields):
    """What the page's script asks for: the answer is a list of calls for it."""
    request = urllib.request.Request(
        f"{base}?_task=mail&_action={action}",
        urllib.parse.urlencode({"_" + name: value for name, value in fields.items()} | {"_remote": 1}).encode(),
        {"X-Roundcube-Request": token, "X-Requested-With": "XMLHttpRequest"},
    )
    answer = json.loads(opener.open(request, timeout=60).read())
    assert "errors" not in answer and '"error"' not in answer.get("exec", ""), answer
    return answer


def ask(action, **fields):
    """The same for what changes nothing."""
    query = urllib.parse.urlencode({"_task": "mail", "_action": action, "_remote": 1} | {"_" + name: value for name, value in fields.items()})
    request = urllib.request.Request(f"{base}?{query}", None, {"X-Roundcube-Request": token})
    return rows(json.loads(opener.open(request, timeout=60).read()))


def listed(mailbox):
    return ask("list", mbox=mailbox)


def rows(answer):
    """UID to subject of the rows that the script is to show."""
    found = {}
    for uid, columns in re.findall(r"this\.add_message_row\((\d+),(\{.*?\}),\{", answer["exec"]):
        found[int(uid)] = re.sub(r"<[^>]*>", "", json.loads(columns)["subject"])
    return found


def token_in(page):
    return re.search(r'"request_token":"([^"]+)"', page)[1]


# Log in.
page = get()
fields = {"_task": "login", "_action": "login", "_timezone": "UTC", "_url": "", "_user": user, "_pass": password, "_token": token_in(page)}
page = opener.open(base + "?_task=login", urllib.parse.urlencode(fields).encode(), timeout=60).read().decode()
assert '"task":"mail"' in page, page[:2000]
token = token_in(page)
for folder in ["Drafts", "Sent", "Junk", "Trash"]:
    assert f'"{folder}"' in page, f"no folder {folder}"

# List and read.
assert listed("INBOX") == {1: "for a reader"}, listed("INBOX")
page = get(task="mail", action="show", mbox="INBOX", uid=1)
assert "Hello reader." in page, page[-3000:]

# Flag, search, make a folder, move.
post("mark", uid=1, flag="flagged", mbox="INBOX")
assert ask("search", q="reader", headers="subject,from", scope="base", mbox="INBOX", filter="FLAGGED") == {1: "for a reader"}
assert ask("search", q="grün", headers="text", scope="base", mbox="INBOX", filter="ALL") == {}
assert ask("search", q="reader", headers="subject", scope="base", mbox="INBOX", filter="UNSEEN") == {}
post("move", uid=1, mbox="INBOX", target_mbox="Archive")
assert listed("INBOX") == {}
assert list(listed("Archive").values()) == ["for a reader"]

# Write and send: the message goes out by submission, a copy to Sent by APPEND.
page = get(task="mail", action="compose")
identifier = re.search(r'"compose_id":"([^"]+)"', page)[1]
sender = re.search(r'<select name="_from".*?<option value="(\d+)"', page, re.S)[1]
fields = {
    "_token": token,
    "_task": "mail",
    "_action": "send",
    "_id": identifier,
    "_attachments": "",
    "_from": sender,
    "_to": recipient,
    "_subject": "Grüße from the web",
    "_message": "Written in a browser.",
    "_is_html": 0,
    "_framed": 1,
    "_store_target": "Sent",
    "_draft_saveid": "",
}
page = opener.open(base + "?_task=mail&_unlock=1&_framed=1", urllib.parse.urlencode(fields).encode(), timeout=60).read().decode()
assert "sent_successfully" in page, page[-2000:]
assert list(listed("Sent").values()) == ["Grüße from the web"], listed("Sent")

# Make a filter, which is stored and made active by ManageSieve; the page lists it afterwards. Who comes to it first gets an empty script.
get(task="settings", action="plugin.managesieve")
fields = {
    "_token": token,
    "_framed": 1,
    "_name": "Web shop",
    "_join": "allof",
    "_enabled": 1,
    "_fid": "",
    "_header[0]": "subject",
    "_rule_op[0]": "contains",
    "_rule_target[0]": "web shop",
    "_rule_comp[0]": "",
    "_custom_header[0]": "",
    "_rule_mod[0]": "",
    "_rule_mod_type[0]": "",
    "_action_type[0]": "fileinto",
    "_action_mailbox[0]": "Archive",
}
page = opener.open(base + "?_task=settings&_action=plugin.managesieve-save", urllib.parse.urlencode(fields).encode(), timeout=60).read().decode()
assert "Filter saved successfully" in page, page[-2000:]
page = get(task="settings", action="plugin.managesieve")
assert "Web shop" in page, page[-3000:]
print("ok")

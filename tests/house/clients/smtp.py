"""Sends the same message three ways: smtp.py SUBMISSION-PORT SUBMISSIONS-PORT LMTP-PORT USER PASSWORD RECIPIENT."""

import smtplib
import ssl
import sys
from email.message import EmailMessage

submission, submissions, lmtp, user, password, recipient = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

message = EmailMessage()
message["From"] = user
message["To"] = recipient
message["Subject"] = "Grüße aus Python"
message.set_content("Äpfel\n.\n..und Birnen\n")

with smtplib.SMTP("127.0.0.1", int(submission), local_hostname="client.test") as server:
    server.starttls(context=context)
    server.login(user, password)
    assert server.send_message(message) == {}

with smtplib.SMTP_SSL("127.0.0.1", int(submissions), local_hostname="client.test", context=context) as server:
    try:
        server.login(user, "wrong")
        sys.exit("a wrong password was taken")
    except smtplib.SMTPAuthenticationError as refusal:
        assert refusal.smtp_code == 535
    server.login(user, password)
    assert server.send_message(message) == {}

with smtplib.LMTP("127.0.0.1", int(lmtp), local_hostname="client.test") as server:
    assert server.send_message(message) == {}

print("ok")

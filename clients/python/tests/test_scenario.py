"""What a panel and a script do, on a live server: POSTHOUSE_URL and POSTHOUSE_KEY name it, as an administrator."""

import os
import unittest
from datetime import datetime, timedelta, timezone

from posthouse import ApiException, Client, every, problem
from posthouse.models import AliasPut, DomainCreate, NewAttachment, NewPerson, NewSubmission, UserCreate

DOMAIN, ADA, INFO = "python.test", "ada@python.test", "info@python.test"


class ScenarioTest(unittest.TestCase):
    def setUp(self):
        self.posthouse = Client(os.environ["POSTHOUSE_URL"], os.environ["POSTHOUSE_KEY"])

    def refused(self, kind, operation, *arguments):
        with self.assertRaises(ApiException) as raised:
            operation(*arguments)
        self.assertEqual(problem(raised.exception).type, f"urn:posthouse:problem:{kind}")

    def test_a_customer_comes_writes_and_goes(self):
        posthouse = self.posthouse
        self.provision()
        self.exchange()
        posthouse.aliases.delete_alias(INFO)
        posthouse.users.delete_user(ADA, purge=True)
        posthouse.domains.delete_domain(DOMAIN)
        self.refused("not-found", posthouse.domains.show_domain, DOMAIN)

    def provision(self):
        posthouse = self.posthouse
        self.assertEqual(posthouse.domains.create_domain(DomainCreate(domain=DOMAIN)).domain, DOMAIN)
        self.refused("exists", posthouse.domains.create_domain, DomainCreate(domain=DOMAIN))
        posthouse.users.create_user(UserCreate(address=ADA, password="correct horse battery staple", display_name="Ada"))
        for _ in range(2):
            self.assertEqual(posthouse.aliases.put_alias(INFO, AliasPut(destinations=[ADA])).destinations, [ADA])
        users = [user.address for user in every(posthouse.users.list_users, limit=1)]
        self.assertGreater(len(users), 1)
        self.assertIn(ADA, users)

    def exchange(self):
        messages = self.posthouse.messages
        begun = datetime.now(timezone.utc) - timedelta(seconds=1)
        attachment = NewAttachment(name="data.bin", content=b"\0\1\2\xff")
        to = [NewPerson(address=INFO)]
        letter = NewSubmission(to=to, subject="Grüße", text="Your code is 123456.\n", attachments=[attachment])
        self.posthouse.submissions.submit_message(ADA, letter)

        found = messages.wait_for_message(ADA, subject="Grüße", after=begun.isoformat(), timeout="30s")
        message = messages.show_message(ADA, found.id)
        self.assertIn("123456", message.text)
        n = next(it.n for it in message.attachments if it.name == "data.bin")
        self.assertEqual(messages.get_attachment(ADA, found.id, n), b"\0\1\2\xff")

        messages.delete_message(ADA, found.id)
        self.refused("not-found", messages.show_message, ADA, found.id)


if __name__ == "__main__":
    unittest.main()

"""What is written by hand, against a server that says what it is told to."""

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

from posthouse import ApiException, Client, every, problem
from posthouse.models import DomainCreate

DOMAIN = {"domain": "example.org", "enabled": True, "description": "", "metadata": {}, "tags": [], "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"}
LATER = {"type": "urn:posthouse:problem:try-later", "title": "Not possible at this moment", "status": 503, "detail": "try again later"}


class Server(HTTPServer):
    """Gives the replies one after the other, each a status, a body and headers, and remembers the requests."""

    def __init__(self, *replies):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.requests = list(replies), []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def client(self):
        return Client(f"http://127.0.0.1:{self.server_port}/", "phk_test")


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, self.headers["Authorization"]))
        status, body, *headers = self.server.replies.pop(0)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


class ClientTest(unittest.TestCase):
    def serve(self, *replies):
        server = Server(*replies)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def test_what_does_no_harm_is_sent_again(self):
        server = self.serve((503, LATER, ("Retry-After", "0")), (429, LATER, ("Retry-After", "0")), (200, DOMAIN))
        self.assertEqual(server.client().domains.show_domain("example.org").domain, "example.org")
        self.assertEqual(server.requests, [("GET", "/api/v1/domains/example.org", "Bearer phk_test")] * 3)

    def test_what_may_have_been_done_is_not(self):
        server = self.serve((503, LATER, ("Retry-After", "0")))
        with self.assertRaises(ApiException) as raised:
            server.client().domains.create_domain(DomainCreate(domain="example.org"))
        self.assertEqual((raised.exception.status, problem(raised.exception).type), (503, LATER["type"]))

    def test_it_gives_up(self):
        server = self.serve(*[(503, LATER, ("Retry-After", "0"))] * 4)
        with self.assertRaises(ApiException):
            server.client().domains.show_domain("example.org")
        self.assertEqual(len(server.requests), 4)

    def test_pages_are_asked_for_as_they_are_used(self):
        server = self.serve((200, {"items": [DOMAIN], "next_cursor": "a=b"}), (200, {"items": [DOMAIN]}))
        items = every(server.client().domains.list_domains, limit=1)
        self.assertEqual(next(items).domain, "example.org")
        self.assertEqual(len(server.requests), 1)
        self.assertEqual(len(list(items)), 1)
        self.assertEqual(server.requests[1][1], "/api/v1/domains?limit=1&cursor=a%3Db")


if __name__ == "__main__":
    unittest.main()

"""Prints the events a gateway sends, once their signature is right."""

import hmac
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to the gateway and 401 to everybody else."""

    def do_POST(self) -> None:
        """Take one event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        expected = "sha256=" + hmac.digest(b"tour-secret", body, "sha256").hex()
        signature = self.headers.get("X-Webhook-Signature", "")
        genuine = hmac.compare_digest(signature.encode(), expected.encode())
        if genuine:
            print(self.headers["X-Webhook-Seq"], body.decode(), flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Leave the terminal to the events."""


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("127.0.0.1", 9000), Receiver).serve_forever()

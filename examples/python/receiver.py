"""Receives webhooks, and takes only those whose signature is right (Standard Webhooks)."""
import base64
import hashlib
import hmac
import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ.get("SIGNING_SECRET", "").removeprefix("whsec_"))
if not KEY:  # without a secret everybody could sign
    raise SystemExit("SIGNING_SECRET is not set")
TOLERANCE = 300  # seconds that the clocks may differ, and that a recorded post stays valid


def verified(headers, body):
    """Whether one of the signatures is that of exactly these bytes."""
    sent_at = headers["webhook-timestamp"] or ""
    if not re.fullmatch("[0-9]{1,12}", sent_at) or abs(time.time() - int(sent_at)) > TOLERANCE:
        return False
    signed = f"{headers['webhook-id']}.{sent_at}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest())
    # After a rotation there is one signature for each secret.
    given = (headers["webhook-signature"] or "").encode().split(b" ")
    return any(hmac.compare_digest(expected, one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not verified(self.headers, body):
            self.send_response(401)
            self.end_headers()
            return
        # Answer first and work later: an answer that takes more than ten seconds is a failed attempt.
        self.send_response(204)
        self.end_headers()
        for event in json.loads(body):
            # The same event can come twice: event_id tells.
            print("verified", event["event_type"], event["event_id"], flush=True)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(os.environ.get("RECEIVER_PORT", "4000"))), Receiver)
print("waiting for webhooks", flush=True)
server.serve_forever()

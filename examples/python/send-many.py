"""Sends up to 1,000 events in one request: all are taken, or none."""
import json
import os
import urllib.request

events = [
    {"event_type": "order.created", "order_id": "A-1002", "amount": 20},
    {"event_type": "order.paid", "order_id": "A-1002", "amount": 20},
]
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/events",
    data=json.dumps(events).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

"""Subscribes WEBHOOK_URL to big orders, and prints the signing secret, which is shown only once."""
import json
import os
import urllib.request

subscription = {
    "workflow_id": "big-orders",
    "webhook_url": os.environ["WEBHOOK_URL"],
    "event_selector": {"event_type": "order.*", "cel": "event.amount > 100.0"},
}
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/subscriptions",
    data=json.dumps(subscription).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(json.load(response)["signing_secret"])

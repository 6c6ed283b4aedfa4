"""Runs a selector over recorded events before it is saved: what matches, and why the others do not."""
import json
import os
import urllib.request

rehearsal = {"event_selector": {"event_type": "order.*", "cel": "event.amount > 100.0"}}
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/subscriptions/rehearse",
    data=json.dumps(rehearsal).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

"""Says who would receive an event, and exactly what, without storing or sending it."""
import json
import os
import urllib.request

event = {"event_type": "order.created", "order_id": "A-1001", "amount": 40}
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/events/dry-run",
    data=json.dumps(event).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

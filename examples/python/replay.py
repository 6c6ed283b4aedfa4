"""Delivers what was received since START once more, at most 50 events a second."""
import json
import os
import urllib.request

replay = {"from": os.environ["START"], "event_type": "order.*", "rate_per_second": 50}
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/replays",
    data=json.dumps(replay).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

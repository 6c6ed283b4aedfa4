"""Sends an event until the platform has answered for it: a repeat under the same key makes no second event."""
import http.client
import json
import os
import time
import urllib.error
import urllib.request
import uuid

event = {"event_type": "order.created", "order_id": "A-1003", "amount": 75}
key = str(uuid.uuid4())  # one key for all tries of this event

for attempt in range(5):
    request = urllib.request.Request(
        os.environ["TRIGGERS_URL"] + "/events",
        data=json.dumps(event).encode(),
        headers={
            "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
            "content-type": "application/json",
            "idempotency-key": key,
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            print(response.read().decode())
            break
    except urllib.error.HTTPError as error:
        # 4xx other than these says that the request itself is wrong: a repeat would be refused again.
        if error.code not in (409, 429) and error.code < 500:
            raise
        time.sleep(float(error.headers.get("retry-after") or 2**attempt))
    except (OSError, http.client.HTTPException):  # no answer, or none in time
        time.sleep(2**attempt)
else:
    raise SystemExit("the event may be stored or not: send it again under the same key")

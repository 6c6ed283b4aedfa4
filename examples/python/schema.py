"""Registers a JSON Schema for order.created: from now on events of this type that break it are refused."""
import json
import os
import urllib.request

schema = {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
}
request = urllib.request.Request(
    os.environ["TRIGGERS_URL"] + "/event-types/order.created",
    data=json.dumps(schema).encode(),
    headers={
        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
        "content-type": "application/json",
    },
    method="PUT",
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

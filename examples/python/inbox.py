"""Reads every event that nobody has acknowledged, page by page, and acknowledges it."""
import json
import os
import urllib.parse
import urllib.request

headers = {
    "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],
    "content-type": "application/json",
}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["TRIGGERS_URL"] + path, data=data, headers=headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


cursor = None
while True:
    query = {"limit": 100, "order": "asc", **({} if cursor is None else {"cursor": cursor})}
    page = call("/inbox?" + urllib.parse.urlencode(query))
    for event in page["events"]:
        print(event["event_id"], event["event_type"], event["payload"])
    if page["events"]:
        call("/inbox/ack", {"event_ids": [event["event_id"] for event in page["events"]]})
    cursor = page["next_cursor"]
    if cursor is None:
        break

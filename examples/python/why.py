"""Says of a stored event, EVENT_ID, which subscriptions took it, and which clause refused it for the others."""
import os
import urllib.request

request = urllib.request.Request(
    f"{os.environ['TRIGGERS_URL']}/events/{os.environ['EVENT_ID']}/verdicts",
    headers={"authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"]},
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

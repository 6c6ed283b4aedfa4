"""Reads what a failing or disabled subscription, SUBSCRIPTION_ID, has not received."""
import os
import urllib.request

request = urllib.request.Request(
    f"{os.environ['TRIGGERS_URL']}/subscriptions/{os.environ['SUBSCRIPTION_ID']}/backlog",
    headers={"authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"]},
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())

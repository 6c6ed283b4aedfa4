# Says of a stored event, EVENT_ID, which subscriptions took it, and which clause refused it for the others.
curl -sS --fail-with-body "$TRIGGERS_URL/events/$EVENT_ID/verdicts" \
  -H "authorization: Bearer $TRIGGERS_API_KEY"

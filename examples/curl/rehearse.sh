# Runs a selector over recorded events before it is saved: what matches, and why the others do not.
curl -sS --fail-with-body "$TRIGGERS_URL/subscriptions/rehearse" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"event_selector":{"event_type":"order.*","cel":"event.amount > 100.0"}}'

# Subscribes WEBHOOK_URL to big orders, and prints the signing secret, which is shown only once.
curl -sS --fail-with-body "$TRIGGERS_URL/subscriptions" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"workflow_id":"big-orders",
       "webhook_url":"'"$WEBHOOK_URL"'",
       "event_selector":{"event_type":"order.*","cel":"event.amount > 100.0"}}' |
  sed -n 's/.*"signing_secret":"\([^"]*\)".*/\1/p'

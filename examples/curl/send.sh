# Sends one event. The answer names it: it is stored.
curl -sS --fail-with-body "$TRIGGERS_URL/events" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"event_type":"order.created","order_id":"A-1001","amount":129.5}'

# Sends up to 1,000 events in one request: all are taken, or none.
curl -sS --fail-with-body "$TRIGGERS_URL/events" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '[{"event_type":"order.created","order_id":"A-1002","amount":20},
       {"event_type":"order.paid","order_id":"A-1002","amount":20}]'

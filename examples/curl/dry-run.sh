# Says who would receive an event, and exactly what, without storing or sending it.
curl -sS --fail-with-body "$TRIGGERS_URL/events/dry-run" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"event_type":"order.created","order_id":"A-1001","amount":40}'

# The same request twice under one key makes one event: the second answer repeats the first.
key="order-A-1003-$(date +%s)"
for _ in 1 2; do
  curl -sS --fail-with-body "$TRIGGERS_URL/events" \
    -H "authorization: Bearer $TRIGGERS_API_KEY" \
    -H 'content-type: application/json' \
    -H "idempotency-key: $key" \
    -d '{"event_type":"order.created","order_id":"A-1003","amount":75}'
  echo
done

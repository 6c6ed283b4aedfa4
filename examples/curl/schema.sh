# Registers a JSON Schema for order.created: from now on events of this type that break it are refused.
curl -sS --fail-with-body -X PUT "$TRIGGERS_URL/event-types/order.created" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"type":"object","required":["order_id","amount"],
       "properties":{"order_id":{"type":"string"},"amount":{"type":"number","minimum":0}}}'

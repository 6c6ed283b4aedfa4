# Reads the newest events of one type that nobody has acknowledged.
curl -sS --fail-with-body --get "$TRIGGERS_URL/inbox" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -d event_type=order.created -d limit=10

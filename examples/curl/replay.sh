# Delivers what was received since START once more, at most 50 events a second.
curl -sS --fail-with-body "$TRIGGERS_URL/replays" \
  -H "authorization: Bearer $TRIGGERS_API_KEY" \
  -H 'content-type: application/json' \
  -d '{"from":"'"$START"'","event_type":"order.*","rate_per_second":50}'

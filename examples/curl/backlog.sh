# Reads what a failing or disabled subscription, SUBSCRIPTION_ID, has not received.
curl -sS --fail-with-body "$TRIGGERS_URL/subscriptions/$SUBSCRIPTION_ID/backlog" \
  -H "authorization: Bearer $TRIGGERS_API_KEY"

# Writes the rules of one event bus with their targets, and the API destinations of the account, as one object.
# It calls the AWS command line with the credentials and the region that this shell has.
set -eu
bus=${EVENT_BUS:-default}
list() { aws events "$@" --output json; }

printf '{"Rules":%s,"Targets":{' "$(list list-rules --event-bus-name "$bus" --query Rules)"
comma=
for rule in $(aws events list-rules --event-bus-name "$bus" --query 'Rules[].Name' --output text); do
  printf '%s"%s":%s' "$comma" "$rule" "$(list list-targets-by-rule --rule "$rule" --event-bus-name "$bus" --query Targets)"
  comma=,
done
printf '},"ApiDestinations":%s}\n' "$(list list-api-destinations --query ApiDestinations)"

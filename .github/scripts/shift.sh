#!/usr/bin/env bash
# Starts the gradual shift of every function whose alias is not yet at its newest version, and waits for the outcome.
# CodeDeploy sends a tenth of the traffic for five minutes and goes back when an alarm of the function rings.
# Usage, after `pulumi up`: .github/scripts/shift.sh <stack>
set -euo pipefail

stack=${1:?name of the stack}
# The stack's own region, whatever the shell's is: one pipeline serves stacks of several regions.
AWS_REGION=$(pulumi config get aws:region --stack "$stack")
export AWS_REGION
# The edge alone has none: its function is at the version that the distribution names.
deployments=$(pulumi stack output --stack "$stack" --json |
  jq -r '(.deployments // [])[] | [.application, .group, .function, .alias, .version] | @tsv')
started=()

while IFS=$'\t' read -r application group function alias version; do
  current=$(aws lambda get-alias --function-name "$function" --name "$alias" --query FunctionVersion --output text)
  if [ "$current" = "$version" ]; then
    echo "$function is at version $version already"
    continue
  fi
  spec=$(jq -cn --arg name "$function" --arg alias "$alias" --arg from "$current" --arg to "$version" '{
    version: "0.0",
    Resources: [{ ($name): { Type: "AWS::Lambda::Function", Properties: {
      Name: $name, Alias: $alias, CurrentVersion: $from, TargetVersion: $to } } }]
  }')
  revision=$(jq -cn --arg content "$spec" '{ revisionType: "AppSpecContent", appSpecContent: { content: $content } }')
  id=$(aws deploy create-deployment --application-name "$application" --deployment-group-name "$group" \
    --revision "$revision" --query deploymentId --output text)
  echo "$function: $current -> $version, $id"
  started+=("$id")
done < <(printf "%s" "${deployments:+$deployments$'\n'}")

for id in ${started[@]+"${started[@]}"}; do
  aws deploy wait deployment-successful --deployment-id "$id"
done
echo "every function is at its newest version"

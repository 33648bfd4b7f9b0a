#!/usr/bin/env bash
# The calls of the four official deploy actions, in their order, with the SDK that they bundle (JavaScript v3): keys,
# a role, a web identity; the registry's login; render; deploy, run to success, to a rollback and to a failed task.
# Nothing but AWS_ENDPOINT_URL is set, and what GitHub sets for a job that may ask for its identity.
. "$(dirname "$0")/lib.sh"
need_placeholder
node_packages
start_dodam actions --speed 20

aws ecs create-cluster --cluster-name demo >/dev/null
group=$(aws elbv2 create-target-group --name web --protocol HTTP --port 3000 --target-type ip --vpc-id vpc-1 --health-check-path /health \
    --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2 --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 create-load-balancer --name web --subnets subnet-1 subnet-2 --query 'LoadBalancers[0].LoadBalancerArn' --output text)
aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 80 --default-actions Type=forward,TargetGroupArn="$group" >/dev/null
aws ecs create-service --cluster demo --service-name web --desired-count 1 --launch-type FARGATE \
    --network-configuration 'awsvpcConfiguration={subnets=[subnet-1,subnet-2]}' \
    --deployment-configuration 'deploymentCircuitBreaker={enable=true,rollback=true}' \
    --load-balancers "targetGroupArn=$group,containerName=app,containerPort=3000" >/dev/null
aws ecr create-repository --repository-name web >/dev/null
push_image web good '{"Env":["PATH=/","PORT=3000","DODAM_HEALTH_PATH=/health"]}' >/dev/null
push_image web bad '{"Entrypoint":["/placeholder","nonsense"]}' >/dev/null
aws ecs wait services-stable --cluster demo --services web

# A job's identity: where it is asked for, and with what.
AWS_ENDPOINT_URL=$endpoint \
    ACTIONS_ID_TOKEN_REQUEST_URL="$endpoint/_dodam/v1/oidc/token?repository=acme/shop&ref=refs/heads/main" \
    ACTIONS_ID_TOKEN_REQUEST_TOKEN=$(jq -r .token "$state/instance.json") \
    timeout 240 node "$checkout/tests/e2e/actions.mjs" || failures=1
finish

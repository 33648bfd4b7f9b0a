#!/usr/bin/env bash
# ECS, ECR, Logs, SSM and Secrets Manager with the real CLI on the sandboxed runtime: a service starts on the
# placeholder, an image is pushed and deployed under requests, a bad image is rolled back, restarts keep it all.
# Needs the binary, dodam-holder beside it, and the placeholder base image (script/offline-images).
. "$(dirname "$0")/deploy_lib.sh"

start_dodam ecs --speed 20
aws ecs create-cluster --cluster-name demo >/dev/null
group=$(aws elbv2 create-target-group --name web --protocol HTTP --port 3000 --target-type ip --vpc-id vpc-1 --health-check-path /health \
    --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2 --query 'TargetGroups[0].TargetGroupArn' --output text)
aws elbv2 modify-target-group-attributes --target-group-arn "$group" --attributes Key=deregistration_delay.timeout_seconds,Value=20 >/dev/null
balancer=$(aws elbv2 create-load-balancer --name web --subnets subnet-1 subnet-2 --query 'LoadBalancers[0].[LoadBalancerArn,DNSName]' --output text)
host=${balancer##*[[:space:]]}
aws elbv2 create-listener --load-balancer-arn "${balancer%%[[:space:]]*}" --protocol HTTP --port 80 --default-actions Type=forward,TargetGroupArn="$group" >/dev/null
aws ecs create-service --cluster demo --service-name web --desired-count 2 --launch-type FARGATE \
    --network-configuration 'awsvpcConfiguration={subnets=[subnet-1,subnet-2]}' \
    --load-balancers "targetGroupArn=$group,containerName=app,containerPort=3000" >/dev/null

check "a service without an image becomes stable" aws ecs wait services-stable --cluster demo --services web
check "the placeholder answers its health path" equals "$(viewer_get "$host" /health)" ok
check "and 503 elsewhere" equals "$(viewer_get "$host" / -o /dev/null -w '%{http_code}')" 503
check "#36 each task has its own address" equals "$(aws elbv2 describe-target-health --target-group-arn "$group" --query 'TargetHealthDescriptions[].Target.Id' --output text | tr '\t' '\n' | sort -u | wc -l)" 2
check "#9 an unknown operation is refused by name" contains "$(curl -s -H 'X-Amz-Target: AmazonEC2ContainerServiceV20141113.Bogus' -H 'Content-Type: application/x-amz-json-1.1' \
    -H 'Authorization: AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0' -d '{}' "$endpoint/")" __type

aws ecr create-repository --repository-name web >/dev/null
registry=${endpoint#http://}
pushed=$(push_image web v1 '{"Env":["PATH=/","PORT=3000","DODAM_HEALTH_PATH=/health"]}')
check "the image is described by the digest that was pushed" equals "$(aws ecr describe-images --repository-name web --query 'imageDetails[0].imageDigest' --output text)" "$pushed"
register "$registry/web:v1" >/dev/null

# 50 requests a second while the tasks are replaced, 15 s at most.
python3 - "${viewer#http://}" "$host" >"$work/load" <<'PY' &
import http.client, sys, time, collections
seen, begun = collections.Counter(), time.time()
for n in range(750):
    try:
        connection = http.client.HTTPConnection(sys.argv[1], timeout=5)
        connection.request('GET', '/health', headers={'Host': sys.argv[2]})
        seen[connection.getresponse().status] += 1
        connection.close()
    except OSError as error: seen[str(error)] += 1
    time.sleep(max(0, begun + n / 50 - time.time()))
print(dict(seen))
PY
load=$!
aws ecs update-service --cluster demo --service web --task-definition web >/dev/null
check "a deploy becomes stable" aws ecs wait services-stable --cluster demo --services web
wait "$load"
check "no request failed meanwhile" equals "$(cat "$work/load")" "{200: 750}"
tasks=$(aws ecs list-tasks --cluster demo --query taskArns --output text)
check "the digest pushed is the digest that runs" equals "$(aws ecs describe-tasks --cluster demo --tasks $tasks --query 'tasks[].containers[].imageDigest' --output text | tr '\t' '\n' | sort -u)" "$pushed"
check "the rollout is completed" equals "$(service 'deployments[0].rolloutState')" COMPLETED
check "#83 the log tells of it" contains "$(aws logs tail /ecs/web --since 1h)" "listening on port 3000"
aws logs create-log-stream --log-group-name /ecs/web --log-stream-name told
timeout 120 /usr/bin/aws --endpoint-url "$endpoint" logs tail /ecs/web --log-stream-names told --follow >"$work/followed" 2>&1 &
follower=$!
tell() { aws logs put-log-events --log-group-name /ecs/web --log-stream-name told --log-events "timestamp=$(date +%s%3N),message=$1" >/dev/null; }
followed() { timeout 20 grep -q -m1 "told $1" <(timeout 20 tail -n +1 -f "$work/followed"); }
for word in first second third; do # it asks every 5 s, each time from the newest line's moment on
    tell "$word"
    check "#83 who follows sees the $word line" followed "$word"
done
kill "$follower"
check "#83 each once" equals "$(awk '{ print $3 }' "$work/followed" | xargs)" "first second third"
check "#86 who am I" equals "$(aws sts get-caller-identity --query Account --output text)" 000000000000

push_image web bad '{"Entrypoint":["/placeholder","nonsense"]}' >/dev/null
register "$registry/web:bad" >/dev/null
aws ecs update-service --cluster demo --service web --task-definition web:2 --deployment-configuration 'deploymentCircuitBreaker={enable=true,rollback=true}' >/dev/null
check "a bad deploy ends stable too" aws ecs wait services-stable --cluster demo --services web
check "on the version before" equals "$(service taskDefinition)" "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1"
check "and says that it rolled back" contains "$(service 'events[].message')" "rolling back to deployment ecs-svc/"
check "the site still answers" equals "$(viewer_get "$host" /health)" ok

register "$registry/web:v1" ',"secrets":[{"name":"X","valueFrom":"/none"}]' >/dev/null
task=$(aws ecs run-task --cluster demo --task-definition web:3 --launch-type FARGATE --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --query 'tasks[0].taskArn' --output text)
check "a task with a missing secret stops" aws ecs wait tasks-stopped --cluster demo --tasks "$task"
check "and names it" contains "$(aws ecs describe-tasks --cluster demo --tasks "$task" --query 'tasks[0].stoppedReason' --output text)" "ResourceInitializationError"

"$dodam" down --state "$state" >/dev/null
start_dodam ecs --speed 20
check "after a restart the service comes back" aws ecs wait services-stable --cluster demo --services web
check "with the same version" equals "$(service taskDefinition)" "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1"
check "and the logs are still there" contains "$(aws logs tail /ecs/web --since 1h)" "listening on port 3000"

finish

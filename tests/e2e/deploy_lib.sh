# Sourced by the tests that deploy: a small stack (CloudFront, load balancer, a service of two tasks), images made of
# the placeholder's layers in no time, and requests at a steady pace. Needs dodam-holder and dodam-probe beside the
# binary, and the placeholder base image (script/offline-images).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_placeholder
probe=$(dirname "$dodam")/dodam-probe

good='{"Env":["PATH=/","PORT=3000","DODAM_HEALTH_PATH=/health"]}'

# register IMAGE [MORE]: family web, container app, port 3000; MORE goes into the container.
register() {
    aws ecs register-task-definition --query taskDefinition.taskDefinitionArn --output text --cli-input-json "{\"family\":\"web\",
      \"networkMode\":\"awsvpc\",\"requiresCompatibilities\":[\"FARGATE\"],\"cpu\":\"256\",\"memory\":\"512\",
      \"executionRoleArn\":\"arn:aws:iam::000000000000:role/execution\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"$1\",
      \"portMappings\":[{\"containerPort\":3000}]${2:-},\"logConfiguration\":{\"logDriver\":\"awslogs\",\"options\":{\"awslogs-group\":\"/ecs/web\",
      \"awslogs-region\":\"us-east-1\",\"awslogs-stream-prefix\":\"ecs\",\"awslogs-create-group\":\"true\"}}}]}"
}
service() { aws ecs describe-services --cluster demo --services web --query "services[0].$1" --output text; }

# small_stack FILE [TARGETS]: a distribution before a load balancer before a service "web" of two tasks.
small_stack() {
    cat >"$1" <<'J'
{ "version": 1, "account": "000000000000", "region": "us-east-1",
  "distributions": { "site": { "domain": "dsite.cloudfront.net", "config": {
    "CallerReference": "site", "Comment": "", "Enabled": true,
    "Origins": { "Quantity": 1, "Items": [ { "Id": "alb", "DomainName": "${loadBalancers.alb.dnsName}",
      "CustomOriginConfig": { "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only" } } ] },
    "DefaultCacheBehavior": { "TargetOriginId": "alb", "ViewerProtocolPolicy": "allow-all",
      "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" } } } },
  "loadBalancers": { "alb": { "config": { "Name": "web", "Subnets": ["subnet-1", "subnet-2"] },
    "listeners": [ { "config": { "Protocol": "HTTP", "Port": 80,
      "DefaultActions": [ { "Type": "forward", "TargetGroupArn": "${targetGroups.web.arn}" } ] } } ] } },
  "targetGroups": { "web": {
    "config": { "Name": "web", "TargetType": "ip", "Protocol": "HTTP", "Port": 3000, "VpcId": "vpc-1", "HealthCheckPath": "/health",
      "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2 },
    "attributes": [ { "Key": "deregistration_delay.timeout_seconds", "Value": "20" } ] } },
  "repositories": { "web": { "config": { "repositoryName": "web" } } },
  "clusters": { "demo": { "config": { "clusterName": "demo" } } },
  "services": { "web": { "config": {
    "cluster": "${clusters.demo.name}", "serviceName": "web", "desiredCount": 2, "launchType": "FARGATE",
    "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true }, "minimumHealthyPercent": 100, "maximumPercent": 200 },
    "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1", "subnet-2"] } },
    "loadBalancers": [ { "targetGroupArn": "${targetGroups.web.arn}", "containerName": "app", "containerPort": 3000 } ] } } } }
J
}

# steady HOST PATH PER-SECOND FILE: requests through the viewer port until $FILE.stop exists, 180 s at most; then FILE
# holds {status or error: how many}.
steady() {
    python3 - "${viewer#http://}" "$1" "$2" "$3" "$4" <<'PY'
import collections, http.client, os, sys, threading, time
where, host, path, pace, out = sys.argv[1:]
seen, lock, begun, turn = collections.Counter(), threading.Lock(), time.time(), 0
def work():
    global turn
    while not os.path.exists(out + '.stop') and time.time() < begun + 180:
        with lock: mine, turn = turn, turn + 1
        time.sleep(max(0, begun + mine / float(pace) - time.time()))
        connection = http.client.HTTPConnection(where, timeout=20)
        try:
            connection.request('GET', f'{path}?n={mine}', headers={'Host': host})
            answer = connection.getresponse()
            answer.read()
            result = answer.status
        except OSError as error: result = str(error)
        connection.close()
        with lock: seen[result] += 1
workers = [threading.Thread(target=work) for _ in range(8)]
for worker in workers: worker.start()
for worker in workers: worker.join()
open(out, 'w').write(str(dict(seen)) + '\n')
PY
}

# report [FLAG…]: the report of the last deploy, as soon as it is over; its exit code in $code.
report() {
    "$dodam" deploy report --state "$state" --wait --timeout 120s "$@"
    code=$?
    return $code
}

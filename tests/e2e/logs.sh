#!/usr/bin/env bash
# Logs with the real CLI: `aws logs tail --follow` prints what is written later, once; what a task wrote is found by
# service and by task after its death, with and without a log driver; and the driver's options hold.
. "$(dirname "$0")/lib.sh"
need_placeholder
start_dodam logs --speed 20

# ---- aws logs tail --follow ----
aws logs create-log-group --log-group-name /ecs/tail
aws logs create-log-stream --log-group-name /ecs/tail --log-stream-name ecs/app/1
put() { aws logs put-log-events --log-group-name /ecs/tail --log-stream-name ecs/app/1 --log-events "timestamp=$(date +%s%3N),message=$1" >/dev/null; }
put first
PYTHONUNBUFFERED=1 /usr/bin/aws --endpoint-url "$endpoint" logs tail /ecs/tail --follow >"$work/tail" 2>&1 &
tail=$!
shown() { sleep 0.1; cat "$work/tail"; }
check "#83 tail shows what is there" until_contains first shown
sleep 6
put second
check "and what is written six seconds later" until_contains second shown
put third
check "and goes on" until_contains third shown
kill "$tail"
check "each once" equals "$(grep -cE ' (first|second|third)$' "$work/tail")" 3

# ---- what tasks wrote ----
aws ecs create-cluster --cluster-name demo >/dev/null
aws ecr create-repository --repository-name web >/dev/null
registry=${endpoint#http://}
push_image web bad '{"Cmd":["say","starting","say","fatal: no database","exit","1"]}' >/dev/null
push_image web good '{"Env":["PATH=/","PORT=3000"]}' >/dev/null
driver() { echo ",\"logConfiguration\":{\"logDriver\":\"awslogs\",\"options\":{\"awslogs-group\":\"/ecs/web\",\"awslogs-region\":\"us-east-1\",\"awslogs-stream-prefix\":\"ecs\"$1}}"; }
register() { # register FAMILY TAG MORE
    aws ecs register-task-definition --family "$1" --network-mode awsvpc --requires-compatibilities FARGATE --cpu 256 --memory 512 \
        --execution-role-arn arn:aws:iam::000000000000:role/execution --container-definitions "[{\"name\":\"app\",\"image\":\"$registry/web:$2\"$3}]" 2>&1
}
run() { aws ecs run-task --cluster demo --task-definition "$1" --launch-type FARGATE --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --query 'tasks[0].taskArn' --output text; }
stopped() { aws ecs wait tasks-stopped --cluster demo --tasks "$1"; }
reason() { aws ecs describe-tasks --cluster demo --tasks "$1" --query 'tasks[0].stoppedReason' --output text; }
of() { "$dodam" logs --state "$state" "$@" 2>&1; }

create='"awslogs-create-group":"true"'
for options in "" ",$create" ",$create,\"mode\":\"blocking\"" ",$create,\"awslogs-multiline-pattern\":\"^x\""; do
    [ -z "$options" ] && more="" || more=$(driver "$options")
    register job bad "$more" >/dev/null
    task=$(run job)
    check "a task that ends at once ($options)" stopped "$task"
    check "its last words by its ARN ($options)" contains "$(of "$task")" "fatal: no database"
    check "and by the beginning of its id ($options)" contains "$(of "$(basename "$task" | cut -c1-8)")" "fatal: no database"
done
check "#81 the stream is prefix/container/task" contains "$(aws logs describe-log-streams --log-group-name /ecs/web --query 'logStreams[].logStreamName' --output text)" "ecs/app/$(basename "$task")"

register web good "$(driver ",$create")" >/dev/null
aws ecs create-service --cluster demo --service-name web --task-definition web --desired-count 1 --launch-type FARGATE --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' >/dev/null
check "a service" aws ecs wait services-stable --cluster demo --services web
check "has its log by its name" contains "$(of web)" "listening on port 3000"
check "in the CLI, too" contains "$(aws logs tail /ecs/web --since 1h)" "listening on port 3000"
aws ecs update-service --cluster demo --service web --desired-count 0 >/dev/null
none() { aws ecs list-tasks --cluster demo --service-name web --query 'length(taskArns)' --output text; }
check "no task is left" until_contains 0 none
check "its log is" contains "$(of web)" "listening on port 3000"
check "what is neither is said to be" contains "$(of nobody)" 'no log group, service or task "nobody"'

# ---- options that are refused ----
check "a prefix is required" contains "$(register x good ',"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"us-east-1"}}')" "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."
register x good "$(driver "" | sed 's|/ecs/web|/ecs/none|')" >/dev/null
task=$(run x)
check "#35 without its group" stopped "$task"
check "a task says so" contains "$(reason "$task")" "The specified log group does not exist."
register x good "$(driver ',"mode":"blocking","max-buffer-size":"1m"')" >/dev/null
task=$(run x)
check "a buffer with blocking" stopped "$task"
check "is refused" contains "$(reason "$task")" "ResourceInitializationError: failed to validate logger args: logger: 'max-buffer-size' option is only supported with 'mode=non-blocking'"

"$dodam" down --state "$state" >/dev/null
start_dodam logs
check "after a restart the log is there" contains "$(of web)" "listening on port 3000"
finish

#!/usr/bin/env bash
# The registry with the real clients: `aws ecr`, raw requests, and docker login, push, pull where a Docker engine answers.
# What is deleted or expired leaves the disk, and what a running task needs does not.
. "$(dirname "$0")/lib.sh"
need_placeholder

# ask METHOD PATH [CURL-FLAG…]: body, then a line with the status.
ask() {
    local method=$1 path=$2
    shift 2
    [ "$method" != HEAD ] || set -- -I "$@"
    curl -s --max-time 20 -X "$method" -u "AWS:$password" "$@" -w '\n%{http_code}' "$endpoint$path"
}
digest_of() { printf 'sha256:%s' "$(printf %s "$1" | sha256sum | cut -d' ' -f1)"; }
blob() { ls "$state/images/sha256/${1#sha256:}"; }
tags() { aws ecr describe-images --repository-name "$1" --query 'sort(imageDetails[].imageTags[])' --output text; }
clock() { "$dodam" clock --state "$state" "$1" >/dev/null; }

start_dodam registry --speed 60
registry=${endpoint#http://}

# ---- aws ecr ----
check "#63 a repository's address is this registry" equals "$(aws ecr create-repository --repository-name web --query repository.repositoryUri --output text)" "$registry/web"
check "a second one of its name is refused" contains "$(aws ecr create-repository --repository-name web 2>&1)" "RepositoryAlreadyExistsException"
password=$(aws ecr get-login-password)
check "#64 the token is AWS and a password" equals "$(aws ecr get-authorization-token --query 'authorizationData[0].authorizationToken' --output text | base64 -d | tr -cd : )" ":"
check "#65 without it, a challenge of 15 bytes" equals "$(curl -s -o "$work/body" -D "$work/head" -w '%{http_code} %{size_download}' "$endpoint/v2/"; grep -ic '^www-authenticate: basic' "$work/head")" "401 151"

program='{"Env":["PATH=/","PORT=3000","DODAM_HEALTH_PATH=/health"]}'
one=$(push_image web v1 "$program")
two=$(push_image web latest '{"Env":["PATH=/","PORT=3001"]}')
check "#75 images are described" equals "$(aws ecr describe-images --repository-name web --image-ids imageTag=v1 --query 'imageDetails[0].imageDigest' --output text)" "$one"
check "and listed" equals "$(aws ecr list-images --repository-name web --query 'sort(imageIds[].imageTag)' --output text)" "latest	v1"
aws ecr batch-get-image --repository-name web --image-ids imageTag=v1 --query 'images[0].imageManifest' --output text >"$work/manifest"
retag() { aws ecr put-image --repository-name web --image-tag "$1" --image-manifest "$(cat "$work/manifest")" "${@:2}" 2>&1; }
check "#74 retagged by put-image" contains "$(retag release)" "$one"
check "once" contains "$(retag release)" ImageAlreadyExistsException
check "latest moves" contains "$(retag latest)" "$one"
check "and leaves what it was on untagged" equals "$(aws ecr list-images --repository-name web --filter tagStatus=UNTAGGED --query 'imageIds[].imageDigest' --output text)" "$two"
aws ecr put-image-tag-mutability --repository-name web --image-tag-mutability IMMUTABLE >/dev/null
check "#73 an immutable tag stays" contains "$(ask PUT /v2/web/manifests/release -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' -d "$(ask GET "/v2/web/manifests/$two" | sed '$d')")" "cannot be overwritten because the repository is immutable"
check "with put-image as well" contains "$(retag v1 --image-digest "$one")" "ImageAlreadyExistsException"
aws ecr put-image-tag-mutability --repository-name web --image-tag-mutability MUTABLE >/dev/null
check "#67 no repository, no push" contains "$(ask POST /v2/none/blobs/uploads/)" "NAME_UNKNOWN"

# ---- the protocol ----
at() { ask POST "/v2/$1/blobs/uploads/$2" -D "$work/head" -o /dev/null >/dev/null; sed -n 's/^location: //ip' "$work/head" | tr -d '\r'; }
upload=$(at web "")
check "#69 a chunk" contains "$(ask PATCH "$upload" -H 'Content-Range: 0-2' -d abc)" 202
check "the next, out of order" contains "$(ask PATCH "$upload" -H 'Content-Range: 7-9' -d hij -i)" "416 "
check "says where to go on" contains "$(ask PATCH "$upload" -H 'Content-Range: 7-9' -d hij -i)" "Range: 0-2"
check "in order" contains "$(ask PATCH "$upload" -H 'Content-Range: 3-5' -d def)" 202
check "ends under its digest" contains "$(ask PUT "$upload?digest=$(digest_of abcdef)")" 201
check "#72 another digest is refused" contains "$(ask POST "/v2/web/blobs/uploads/?digest=$(digest_of abc)" -d xyz)" DIGEST_INVALID
aws ecr create-repository --repository-name copy >/dev/null
check "a layer belongs to its repository" contains "$(ask GET "/v2/copy/blobs/$(digest_of abcdef)")" BLOB_UNKNOWN
check "#71 until it is mounted" contains "$(ask POST "/v2/copy/blobs/uploads/?mount=$(digest_of abcdef)&from=web")" 201
check "from then it is here" contains "$(ask GET "/v2/copy/blobs/$(digest_of abcdef)")" abcdef
check "one that is nowhere begins an upload" contains "$(ask POST "/v2/copy/blobs/uploads/?mount=$(digest_of nowhere)&from=web")" 202

# ---- a running task, its image deleted ----
aws ecs create-cluster --cluster-name demo >/dev/null
aws ecs register-task-definition --family web --network-mode awsvpc --requires-compatibilities FARGATE --cpu 256 --memory 512 \
    --execution-role-arn arn:aws:iam::000000000000:role/execution \
    --container-definitions "[{\"name\":\"app\",\"image\":\"$registry/web:v1\"}]" >/dev/null
run() { aws ecs run-task --cluster demo --task-definition web --launch-type FARGATE --network-configuration 'awsvpcConfiguration={subnets=[subnet-1]}' --query 'tasks[0].taskArn' --output text; }
task=$(run)
check "a task runs the image" aws ecs wait tasks-running --cluster demo --tasks "$task"
layer=$(ask GET "/v2/web/manifests/$one" | sed '$d' | jq -r '.layers[0].digest')
configuration=$(ask GET "/v2/web/manifests/$one" | sed '$d' | jq -r .config.digest)
check "#78 deleting a tag" equals "$(aws ecr batch-delete-image --repository-name web --image-ids imageTag=release --query 'failures' --output text; tags web)" "latest	v1"
check "deleting by digest takes every tag" equals "$(aws ecr batch-delete-image --repository-name web --image-ids imageDigest="$one" --query 'imageIds[0].imageDigest' --output text; tags web)" "$one"
clock +2h
clock +2h
check "the running task's bytes stay" blob "$configuration"
check "with it" equals "$(aws ecs describe-tasks --cluster demo --tasks "$task" --query 'tasks[0].lastStatus' --output text)" RUNNING
other=$(run)
check "another task cannot be started any more" aws ecs wait tasks-stopped --cluster demo --tasks "$other"
check "as in AWS" contains "$(aws ecs describe-tasks --cluster demo --tasks "$other" --query 'tasks[0].stoppedReason' --output text)" CannotPullContainerError
aws ecs stop-task --cluster demo --task "$task" >/dev/null
check "once it has stopped" aws ecs wait tasks-stopped --cluster demo --tasks "$task"
clock +2h  # the registry looks now
gone() { blob "$1" >/dev/null 2>&1 && echo here || echo gone; }
check "they go" until_contains gone gone "$configuration"
check "what another image uses stays" blob "$layer"

# ---- lifecycle policies ----
three=$(push_image web v3 "$program")
policy='{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}]}'
check "#79 a policy is kept" contains "$(aws ecr put-lifecycle-policy --repository-name web --lifecycle-policy-text "$policy")" sinceImagePushed
clock +25h
untagged() { aws ecr list-images --repository-name web --filter tagStatus=UNTAGGED --query 'length(imageIds)' --output text; }
check "the untagged image is gone a day later" until_contains 0 untagged
check "the tagged one is not" equals "$(tags web)" v3
check "#66 the password of yesterday is over" contains "$(ask GET /v2/)" "Your authorization token has expired. Reauthenticate and try again."
password=$(aws ecr get-login-password)
check "today's is good" contains "$(ask GET /v2/)" 200
check "#80 a repository with images is not deleted" contains "$(aws ecr delete-repository --repository-name web 2>&1)" RepositoryNotEmptyException

# ---- docker ----
if ! docker info >/dev/null 2>&1; then
    echo "without docker: no engine answers"
    finish
    exit
fi
export DOCKER_CONFIG=$work/docker
mkdir -p "$work/docker" "$work/context"
head -c 3000000 /dev/urandom >"$work/context/data"
printf 'FROM scratch\nCOPY data /data\nCMD ["/data"]\n' >"$work/context/Dockerfile"
build() { DOCKER_BUILDKIT=0 docker build -q -t "$1" "$work/context" 2>&1; }
push() { docker push "$1" 2>&1; }
digest_in_registry() { aws ecr describe-images --repository-name "$1" --image-ids imageTag="$2" --query 'imageDetails[0].imageDigest' --output text; }
names=("$registry/web:d1" "$registry/web:d2" "$registry/copy:d1" "$registry/web:multi")
trap 'docker rmi -f "${names[@]}" >/dev/null 2>&1; cleanup' EXIT

check "an image to push" build "$registry/web:d1"
check "without logging in" contains "$(push "$registry/web:d1")" "no basic auth credentials"
check "login" contains "$(aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" 2>&1)" "Login Succeeded"
check "a wrong password" contains "$(echo wrong | docker --config "$work/other" login --username AWS --password-stdin "$registry" 2>&1)" "401 Unauthorized"
check "push" contains "$(push "$registry/web:d1")" "d1: digest: sha256:"
pushed=$(docker inspect --format '{{index .RepoDigests 0}}' "$registry/web:d1" | sed 's/.*@//')
check "the digest docker was given is the one described" equals "$(digest_in_registry web d1)" "$pushed"
docker tag "$registry/web:d1" "$registry/web:d2"
check "the same again uploads nothing" contains "$(push "$registry/web:d2")" "Layer already exists"
docker tag "$registry/web:d1" "$registry/copy:d1"
check "#71 another repository mounts it" contains "$(push "$registry/copy:d1")" "Mounted from web"
check "into a repository that is not there" contains "$(docker tag "$registry/web:d1" "$registry/none:d1"; push "$registry/none:d1"; docker rmi "$registry/none:d1" >/dev/null)" "The repository with name 'none' does not exist in the registry with id '000000000000'"
docker rmi "${names[@]}" >/dev/null 2>&1
check "pull by tag" contains "$(docker pull "$registry/web:d1" 2>&1)" "Digest: $pushed"
docker rmi "$registry/web:d1" >/dev/null 2>&1
check "pull by digest" contains "$(docker pull "$registry/web@$pushed" 2>&1)" "Digest: $pushed"
check "the content is the same" equals "$(docker save "$registry/web@$pushed" | tar -xO --wildcards '*/layer.tar' | tar -xO data | sha256sum)" "$(sha256sum <"$work/context/data")"
docker rmi "$registry/web@$pushed" >/dev/null 2>&1

check "#77 an index" docker manifest create --insecure "$registry/web:multi" "$registry/web:d1"
check "is pushed" contains "$(docker manifest push --insecure "$registry/web:multi" 2>&1)" "sha256:"
check "and pulled as its child" docker pull -q "$registry/web:multi"
check "its child cannot be deleted under it" contains "$(aws ecr batch-delete-image --repository-name web --image-ids imageDigest="$pushed")" ImageReferencedByManifestList

aws ecr put-image-tag-mutability --repository-name web --image-tag-mutability IMMUTABLE >/dev/null
head -c 1000 /dev/urandom >"$work/context/data"
build "$registry/web:d2" >/dev/null
check "#73 an immutable tag" contains "$(push "$registry/web:d2")" "The image tag 'd2' already exists in the 'web' repository and cannot be overwritten because the repository is immutable."
aws ecr put-image-tag-mutability --repository-name web --image-tag-mutability MUTABLE >/dev/null
check "a mutable one moves" contains "$(push "$registry/web:d2")" "d2: digest: sha256:"
check "to another digest" contains "$(digest_in_registry web d2; digest_in_registry web d1)" "
$pushed"
clock +13h
docker tag "$registry/web:d2" "$registry/web:d1"
check "#66 the login is over after twelve hours" contains "$(push "$registry/web:d1")" "Your authorization token has expired. Reauthenticate and try again."
check "a new one is good" contains "$(aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" 2>&1)" "Login Succeeded"
check "for the push" contains "$(push "$registry/web:d1")" "d1: digest: sha256:"
check "logout" docker logout "$registry"
finish

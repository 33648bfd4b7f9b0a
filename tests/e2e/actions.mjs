// What the four official actions of a deploy to ECS ask of AWS, call by call and in their order
// (aws-actions/configure-aws-credentials, amazon-ecr-login, amazon-ecs-render-task-definition,
// amazon-ecs-deploy-task-definition v2). Started by actions.sh.
import assert from 'node:assert/strict';
import * as ecr from '@aws-sdk/client-ecr';
import * as ecs from '@aws-sdk/client-ecs';
import * as sts from '@aws-sdk/client-sts';

const ROLE = 'arn:aws:iam::000000000000:role/deploy';
const cases = [];
const test = (name, run) => cases.push([name, run]);

// ---- configure-aws-credentials ------------------------------------------------------------------

// As in GitHub's toolkit: the audience is appended to the URL of the job.
async function identityToken(audience) {
  const answer = await fetch(`${process.env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${encodeURIComponent(audience)}`,
    { headers: { Authorization: `Bearer ${process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`, Accept: 'application/json; api-version=2.0' } });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()).value;
}
const exported = ({ Credentials: { AccessKeyId, SecretAccessKey, SessionToken } }) =>
  ({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });
const whoAmI = async (credentials) => {
  const { Account, Arn, UserId } = await new sts.STSClient({ credentials }).send(new sts.GetCallerIdentityCommand({}));
  return { Account, Arn, UserId };
};
const session = (more) => ({ RoleArn: ROLE, RoleSessionName: 'GitHubActions', DurationSeconds: 3600, ...more });

test('credentials: static keys', async () => {
  const { Account, Arn } = await whoAmI({ accessKeyId: 'test', secretAccessKey: 'test' });
  assert.equal(Account, '000000000000');
  assert.equal(Arn, 'arn:aws:iam::000000000000:user/dev');
});

test('credentials: wrong keys', async () => {
  await assert.rejects(whoAmI({ accessKeyId: 'test', secretAccessKey: 'wrong' }), { name: 'SignatureDoesNotMatch' });
  await assert.rejects(whoAmI({ accessKeyId: 'nobody', secretAccessKey: 'test' }), { name: 'InvalidClientTokenId' });
});

test('credentials: a role, with the tags of the job', async () => {
  const Tags = ['GitHub', 'Repository', 'Workflow', 'Action', 'Actor', 'Branch', 'Commit'].map((Key) => ({ Key, Value: 'x' }));
  const assumed = await new sts.STSClient().send(new sts.AssumeRoleCommand(session({ Tags })));
  const { Arn, UserId } = await whoAmI(exported(assumed));
  assert.equal(Arn, 'arn:aws:sts::000000000000:assumed-role/deploy/GitHubActions');
  assert.match(UserId, /^AROA\w+:GitHubActions$/);
});

let deployer;
test('credentials: the identity of the job', async () => {
  const WebIdentityToken = await identityToken('sts.amazonaws.com');
  // This call is not signed: a client without any keys.
  const client = new sts.STSClient({ credentials: { accessKeyId: '', secretAccessKey: '' } });
  const assumed = await client.send(new sts.AssumeRoleWithWebIdentityCommand(session({ WebIdentityToken })));
  assert.equal(assumed.SubjectFromWebIdentityToken, 'repo:acme/shop:ref:refs/heads/main');
  deployer = exported(assumed);
  assert.equal((await whoAmI(deployer)).Arn, 'arn:aws:sts::000000000000:assumed-role/deploy/GitHubActions');
});

test('credentials: an identity that is not for AWS, or not a true one', async () => {
  const client = new sts.STSClient();
  const assume = (WebIdentityToken) => client.send(new sts.AssumeRoleWithWebIdentityCommand(session({ WebIdentityToken })));
  await assert.rejects(assume(await identityToken('https://github.com/acme')), { name: 'InvalidIdentityTokenException', message: 'Incorrect token audience' });
  const [head, , signature] = (await identityToken('sts.amazonaws.com')).split('.');
  const forged = Buffer.from(JSON.stringify({ iss: 'https://token.actions.githubusercontent.com', aud: 'sts.amazonaws.com', exp: 9999999999, sub: 'x' }));
  await assert.rejects(assume(`${head}.${forged.toString('base64url')}.${signature}`), { name: 'InvalidIdentityTokenException' });
  const answer = await fetch(`${process.env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=sts.amazonaws.com`, { headers: { Authorization: 'Bearer nobody' } });
  assert.equal(answer.status, 403);
});

// ---- amazon-ecr-login ---------------------------------------------------------------------------

let registry;
test('login: one registry, one token, user and password', async () => {
  const { authorizationData } = await new ecr.ECRClient({ credentials: deployer }).send(new ecr.GetAuthorizationTokenCommand({}));
  assert.equal(authorizationData.length, 1);
  const [user, password, ...rest] = Buffer.from(authorizationData[0].authorizationToken, 'base64').toString().split(':', 3);
  assert.equal(user, 'AWS');
  assert.deepEqual(rest, []);
  assert.ok(authorizationData[0].expiresAt > new Date());
  registry = authorizationData[0].proxyEndpoint.replace(/^https?:\/\//, '');
  const answer = await fetch(`http://${registry}/v2/`, { headers: { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } });
  assert.equal(answer.status, 200);
});

// ---- amazon-ecs-render-task-definition ----------------------------------------------------------

const ECS = () => new ecs.ECSClient({ credentials: deployer });
const containers = [{
  name: 'app', image: 'to-be-rendered', essential: true, portMappings: [{ containerPort: 3000 }],
  logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/ecs/web', 'awslogs-region': 'us-east-1', 'awslogs-stream-prefix': 'ecs', 'awslogs-create-group': 'true' } },
}];
// A file as people keep them: what DescribeTaskDefinition printed, null and empty values in it.
const file = (image, more = {}) => ({
  family: 'web', networkMode: 'awsvpc', requiresCompatibilities: ['FARGATE'], cpu: '256', memory: '512',
  executionRoleArn: 'arn:aws:iam::000000000000:role/execution', containerDefinitions: containers.map((one) => ({ ...one, image, ...more })),
  volumes: [], placementConstraints: [], status: 'ACTIVE', revision: 7, taskDefinitionArn: 'arn:x', compatibilities: ['EC2'], requiresAttributes: [{ name: 'x' }], registeredBy: 'me',
});

// What the deploy action leaves out before it registers.
const IGNORED = ['compatibilities', 'taskDefinitionArn', 'requiresAttributes', 'revision', 'status', 'registeredAt', 'deregisteredAt', 'registeredBy'];
const empty = (value) => value === null || value === undefined || value === '' ||
  (typeof value === 'object' && !(value instanceof Date) && Object.values(value).every(empty));
const cleaned = (contents) => Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(contents, (_, value) => (empty(value) ? undefined : value))))
  .filter(([name]) => !IGNORED.includes(name)));

test('render: what was described is registered again with another image', async () => {
  await ECS().send(new ecs.RegisterTaskDefinitionCommand(cleaned(file(`${registry}/web:none`, { environment: [{ name: 'A', value: '1' }] }))));
  const { taskDefinition } = await ECS().send(new ecs.DescribeTaskDefinitionCommand({ taskDefinition: 'web', include: ['TAGS'] }));
  taskDefinition.containerDefinitions.find(({ name }) => name === 'app').image = `${registry}/web:good`;
  const again = await ECS().send(new ecs.RegisterTaskDefinitionCommand(cleaned(taskDefinition)));
  assert.equal(again.taskDefinition.revision, taskDefinition.revision + 1);
  assert.deepEqual(again.taskDefinition.containerDefinitions[0].environment, [{ name: 'A', value: '1' }]);
  assert.equal(again.taskDefinition.containerDefinitions[0].image, `${registry}/web:good`);
});

// ---- amazon-ecs-deploy-task-definition v2 -------------------------------------------------------

const soon = (client) => ({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 90 });  // the action: 15 to 120 s

// Its seven steps; the outcome is what the action says.
async function deploy({ contents, service, runTask, cluster = 'demo', forceNewDeployment = false, desiredCount }) {
  const client = ECS(), out = {};
  const registered = await client.send(new ecs.RegisterTaskDefinitionCommand(cleaned(contents)));
  const taskDefinition = out.taskDefinition = registered.taskDefinition.taskDefinitionArn;

  if (runTask) {
    const { tasks, failures } = await client.send(new ecs.RunTaskCommand({
      startedBy: 'GitHub-Actions', cluster, taskDefinition, launchType: 'FARGATE', overrides: runTask.overrides ?? { containerOverrides: [] },
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: [], assignPublicIp: 'DISABLED' } }, enableECSManagedTags: null, tags: [],
    }));
    if (failures?.length > 0) throw new Error(`${failures[0].arn} is ${failures[0].reason}`);
    const arns = out.tasks = tasks.map(({ taskArn }) => taskArn);
    await ecs.waitUntilTasksStopped(soon(client), { cluster, tasks: arns });
    const described = await client.send(new ecs.DescribeTasksCommand({ cluster, tasks: arns }));
    const bad = described.tasks.flatMap((task) => task.containers.filter(({ exitCode }) => exitCode !== 0).map(({ reason, exitCode }) => `${task.stopCode}: ${reason ?? `exit ${exitCode}`}`));
    if (bad.length > 0) throw new Error(`Run task failed: ${bad.join(', ')}`);
  }
  if (!service) return out;

  const before = await client.send(new ecs.DescribeServicesCommand({ services: [service], cluster }));
  if (before.failures?.length > 0) throw new Error(`${before.failures[0].arn} is ${before.failures[0].reason}`);
  if (before.services[0].status !== 'ACTIVE') throw new Error(`Service is ${before.services[0].status}`);
  const controller = before.services[0].deploymentController;
  assert.ok(!controller || controller.type === 'ECS');

  const updated = await client.send(new ecs.UpdateServiceCommand({
    cluster, service, taskDefinition, forceNewDeployment, enableECSManagedTags: null, propagateTags: null, volumeConfigurations: [],
    ...(desiredCount === undefined ? {} : { desiredCount }),
  }));
  const { id } = updated.service.deployments.find(({ status }) => status === 'PRIMARY');
  await ecs.waitUntilServicesStable(soon(client), { services: [service], cluster });
  const after = await client.send(new ecs.DescribeServicesCommand({ services: [service], cluster }));
  const deployment = after.services[0].deployments.find((one) => one.id === id);
  if (!deployment) throw new Error(`Deployment ${id} not found: likely rolled back`);
  if (deployment.rolloutState === 'FAILED') throw new Error(`Deployment ${id} FAILED: ${deployment.rolloutStateReason}`);
  return { ...out, id, deployment, service: after.services[0] };
}

let first;
test('deploy: waits until it is stable, and finds its deployment completed', async () => {
  first = await deploy({ contents: file(`${registry}/web:good`), service: 'web' });
  assert.equal(first.deployment.rolloutState, 'COMPLETED');
  assert.equal(first.service.deployments.length, 1);
  assert.equal(first.service.runningCount, 1);
  assert.equal(first.service.taskDefinition, first.taskDefinition);
});

test('deploy: a desired count is set beside it', async () => {
  const { service } = await deploy({ contents: file(`${registry}/web:good`), service: 'web', desiredCount: 2 });
  assert.equal(service.desiredCount, 2);
  assert.equal(service.runningCount, 2);
  first.taskDefinition = service.taskDefinition;
});

test('deploy: one that fails is rolled back, and the action notices', async () => {
  await assert.rejects(deploy({ contents: file(`${registry}/web:bad`), service: 'web' }), /not found: likely rolled back/);
  const { services: [service] } = await ECS().send(new ecs.DescribeServicesCommand({ cluster: 'demo', services: ['web'] }));
  assert.equal(service.taskDefinition, first.taskDefinition);
  assert.equal(service.runningCount, 2);
  assert.ok(service.events.some(({ message }) => /rolling back to deployment ecs-svc/.test(message)));
  const { serviceDeployments } = await ECS().send(new ecs.ListServiceDeploymentsCommand({ cluster: 'demo', service: 'web' }));
  const described = await ECS().send(new ecs.DescribeServiceDeploymentsCommand({ serviceDeploymentArns: serviceDeployments.map(({ serviceDeploymentArn }) => serviceDeploymentArn) }));
  // As infrastructure tools find it: by the revision it was to bring.
  const failed = described.serviceDeployments.filter(({ status }) => status === 'ROLLBACK_SUCCESSFUL');
  assert.equal(failed.length, 1);
  assert.ok(failed[0].statusReason);
});

test('deploy: the same again with force', async () => {
  const { id } = await deploy({ contents: file(`${registry}/web:good`), service: 'web', forceNewDeployment: true });
  assert.notEqual(id, first.id);
});

test('deploy: a service that is not there', async () => {
  await assert.rejects(deploy({ contents: file(`${registry}/web:good`), service: 'nobody' }), /^Error: arn:aws:ecs:us-east-1:000000000000:service\/(demo\/)?nobody is MISSING$/);
});

test('run-task: waits for its end; another exit code than 0 fails', async () => {
  const job = (code) => deploy({ contents: { ...file(`${registry}/web:good`), family: 'job' }, runTask: { overrides: { containerOverrides: [{ name: 'app', command: ['say', 'migrated', 'exit', code] }] } } });
  const { tasks } = await job('0');
  const { tasks: [task] } = await ECS().send(new ecs.DescribeTasksCommand({ cluster: 'demo', tasks }));
  assert.equal(task.lastStatus, 'STOPPED');
  assert.equal(task.startedBy, 'GitHub-Actions');
  assert.equal(task.containers[0].exitCode, 0);
  await assert.rejects(job('3'), /Run task failed: EssentialContainerExited: exit 3/);
});

test('render: a revision that was deregistered is refused', async () => {
  const { taskDefinition } = await ECS().send(new ecs.RegisterTaskDefinitionCommand(cleaned(file(`${registry}/web:good`))));
  await ECS().send(new ecs.DeregisterTaskDefinitionCommand({ taskDefinition: taskDefinition.taskDefinitionArn }));
  await assert.rejects(ECS().send(new ecs.UpdateServiceCommand({ cluster: 'demo', service: 'web', taskDefinition: taskDefinition.taskDefinitionArn })), { message: /TaskDefinition is inactive/ });
});

let failed = 0;
for (const [name, run] of cases) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}\n${error.stack}`);
  }
}
console.log(`${cases.length} cases, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

// The official SDK as a client. Started by sdk.sh with AWS_ENDPOINT_URL, keys and a region in the
// environment, as a developer would have them; no client gets an option that AWS would not need.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import * as cloudfront from '@aws-sdk/client-cloudfront';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as ecr from '@aws-sdk/client-ecr';
import * as ecs from '@aws-sdk/client-ecs';
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2';
import * as s3 from '@aws-sdk/client-s3';
import * as secrets from '@aws-sdk/client-secrets-manager';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const ENDPOINT = process.env.AWS_ENDPOINT_URL;
const S3 = new s3.S3Client(), CF = new cloudfront.CloudFrontClient(), ECS = new ecs.ECSClient(), ECR = new ecr.ECRClient();
const ELB = new elb.ElasticLoadBalancingV2Client(), LOGS = new logs.CloudWatchLogsClient(), SSM = new ssm.SSMClient();
const SECRETS = new secrets.SecretsManagerClient(), STS = new sts.STSClient();
const quickly = (client) => ({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 });
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

const cases = [];
const test = (name, run) => cases.push([name, run]);

// The error that a call ends with: its class where the SDK has one, its name and status always.
async function fails(promise, name, status, type) {
  const error = await promise.then(() => assert.fail(`no error, wanted ${name}`), (caught) => caught);
  if (error instanceof assert.AssertionError) throw error;
  assert.equal(error.name, name, `${error.name}: ${error.message}`);
  assert.equal(error.$metadata?.httpStatusCode, status, `${error.name}: ${error.message}`);
  if (type) assert.ok(error instanceof type, `${name} is not of its class`);
  return error;
}
async function all(pages, member) {
  const out = [];
  let count = 0;
  for await (const page of pages) {
    count += 1;
    out.push(...(page[member] ?? []));
  }
  return { out, pages: count };
}

// ---- S3

test('s3: a bucket appears, and the waiter sees it', async () => {
  await S3.send(new s3.CreateBucketCommand({ Bucket: 'sdk' }));
  await s3.waitUntilBucketExists(quickly(S3), { Bucket: 'sdk' });
  const { Buckets } = await S3.send(new s3.ListBucketsCommand({}));
  assert.deepEqual(Buckets.map((bucket) => bucket.Name), ['sdk']);
  assert.ok(Buckets[0].CreationDate instanceof Date);
  await fails(S3.send(new s3.HeadBucketCommand({ Bucket: 'nobody-has-this' })), 'NotFound', 404, s3.NotFound);
});

test('s3: strings, buffers, streams and ranges', async () => {
  const put = await S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'a/ü b+c.txt', Body: 'héllo', ContentType: 'text/plain; charset=utf-8', CacheControl: 'max-age=60', Metadata: { who: 'me' } }));
  assert.equal(put.ETag, `"${md5('héllo')}"`);
  assert.equal(put.ChecksumCRC32?.length, 8);
  const got = await S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'a/ü b+c.txt' }));
  assert.equal(await got.Body.transformToString(), 'héllo');
  assert.equal(got.ContentType, 'text/plain; charset=utf-8');
  assert.deepEqual([got.Metadata, got.CacheControl, got.ContentLength], [{ who: 'me' }, 'max-age=60', 6]);
  assert.ok(got.LastModified instanceof Date);

  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  await S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'bytes', Body: bytes }));
  await S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'streamed', Body: Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]), ContentLength: bytes.length }));
  for (const Key of ['bytes', 'streamed']) {
    const whole = await S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key, ChecksumMode: 'ENABLED' }));
    assert.ok(bytes.equals(Buffer.from(await whole.Body.transformToByteArray())));
    assert.ok(whole.ChecksumCRC32);
  }
  const part = await S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'bytes', Range: 'bytes=10-19' }));
  assert.deepEqual([part.$metadata.httpStatusCode, part.ContentRange], [206, 'bytes 10-19/100000']);
  assert.ok(bytes.subarray(10, 20).equals(Buffer.from(await part.Body.transformToByteArray())));
  await fails(S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'bytes', Range: 'bytes=100000-' })), 'InvalidRange', 416);
});

test('s3: what is not there, and what does not hold', async () => {
  const error = await fails(S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'none' })), 'NoSuchKey', 404, s3.NoSuchKey);
  assert.equal(error.$fault, 'client');
  assert.ok(error.$metadata.requestId && error.$metadata.extendedRequestId);
  assert.equal(error.message, 'The specified key does not exist.');
  await fails(S3.send(new s3.ListObjectsV2Command({ Bucket: 'nobody-has-this' })), 'NoSuchBucket', 404, s3.NoSuchBucket);
  await fails(S3.send(new s3.HeadObjectCommand({ Bucket: 'sdk', Key: 'none' })), 'NotFound', 404, s3.NotFound);
  await fails(S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'bytes', IfMatch: '"other"' })), 'PreconditionFailed', 412);
  const { ETag } = await S3.send(new s3.HeadObjectCommand({ Bucket: 'sdk', Key: 'bytes' }));
  // A 304 has no body to name an error: the SDK says Unknown, and tooling reads the status.
  await fails(S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'bytes', IfNoneMatch: ETag })), 'Unknown', 304);
  await fails(S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'bytes', Body: 'x', IfNoneMatch: '*' })), 'PreconditionFailed', 412);
  await fails(S3.send(new s3.DeleteBucketCommand({ Bucket: 'sdk' })), 'BucketNotEmpty', 409);
  await fails(S3.send(new s3.CreateBucketCommand({ Bucket: 'Not_A_Name' })), 'InvalidBucketName', 400);
});

test('s3: pages, prefixes and many deletes', async () => {
  for (const group of ['p', 'q']) await Promise.all(Array.from({ length: 12 }, (_, i) => S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: `list/${group}/${String(i).padStart(2, '0')}`, Body: 'x' }))));
  const { out, pages } = await all(s3.paginateListObjectsV2({ client: S3, pageSize: 5 }, { Bucket: 'sdk', Prefix: 'list/p/' }), 'Contents');
  assert.deepEqual([out.length, pages, out[11].Key, out[0].Size], [12, 3, 'list/p/11', 1]);
  const { CommonPrefixes } = await S3.send(new s3.ListObjectsV2Command({ Bucket: 'sdk', Prefix: 'list/', Delimiter: '/' }));
  assert.deepEqual(CommonPrefixes.map((one) => one.Prefix), ['list/p/', 'list/q/']);
  const gone = await S3.send(new s3.DeleteObjectsCommand({ Bucket: 'sdk', Delete: { Objects: [...out.map(({ Key }) => ({ Key })), { Key: 'none' }] } }));
  assert.deepEqual([gone.Deleted.length, gone.Errors], [13, undefined]);
  await s3.waitUntilObjectNotExists(quickly(S3), { Bucket: 'sdk', Key: 'list/p/00' });
  await s3.waitUntilObjectExists(quickly(S3), { Bucket: 'sdk', Key: 'list/q/00' });
});

test('s3: a large stream of unknown length goes up in parts', async () => {
  const body = new PassThrough(), block = Buffer.alloc(1 << 20, 7), hash = createHash('md5');
  const progress = [];
  const upload = new Upload({ client: S3, params: { Bucket: 'sdk', Key: 'large', Body: body, ContentType: 'application/x-large' }, queueSize: 3 });
  upload.on('httpUploadProgress', (one) => progress.push(one.loaded));
  const done = upload.done();
  for (let i = 0; i < 12; ++i) { hash.update(block); body.write(block); }
  body.end();
  const result = await done;
  assert.match(result.ETag, /-3"$/);
  assert.equal(result.Bucket, 'sdk');
  assert.equal(Math.max(...progress), 12 << 20);
  const back = await S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'large' }));
  const seen = createHash('md5');
  for await (const piece of back.Body) seen.update(piece);
  assert.equal(seen.digest('hex'), hash.digest('hex'));
  assert.equal(back.ContentType, 'application/x-large');

  const copy = await S3.send(new s3.CopyObjectCommand({ Bucket: 'sdk', Key: 'copied', CopySource: 'sdk/large', MetadataDirective: 'REPLACE', Metadata: { v: '2' } }));
  assert.ok(copy.CopyObjectResult.ETag);
  const open = await S3.send(new s3.CreateMultipartUploadCommand({ Bucket: 'sdk', Key: 'left' }));
  await S3.send(new s3.UploadPartCommand({ Bucket: 'sdk', Key: 'left', UploadId: open.UploadId, PartNumber: 1, Body: 'part' }));
  assert.equal((await S3.send(new s3.ListPartsCommand({ Bucket: 'sdk', Key: 'left', UploadId: open.UploadId }))).Parts.length, 1);
  await S3.send(new s3.AbortMultipartUploadCommand({ Bucket: 'sdk', Key: 'left', UploadId: open.UploadId }));
  await fails(S3.send(new s3.ListPartsCommand({ Bucket: 'sdk', Key: 'left', UploadId: open.UploadId })), 'NoSuchUpload', 404);
});

test('s3: presigned URLs with plain fetch', async () => {
  // What a browser gets from a backend. The SDK signs the checksum of an empty body into the query.
  const url = await getSignedUrl(S3, new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'signed', ContentType: 'text/css' }), { expiresIn: 60 });
  assert.ok(new URL(url).searchParams.has('x-amz-checksum-crc32'), 'the SDK no longer does so: the case below can go');
  const put = await fetch(url, { method: 'PUT', body: 'body {}', headers: { 'content-type': 'text/css' } });
  assert.equal(put.status, 200, await put.text());
  const get = await fetch(await getSignedUrl(S3, new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'signed', ResponseContentDisposition: 'attachment' }), { expiresIn: 60 }));
  assert.deepEqual([await get.text(), get.headers.get('content-type'), get.headers.get('content-disposition')], ['body {}', 'text/css', 'attachment']);

  // Without the default checksum, and with one that is meant: as a header.
  const plain = new s3.S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  const second = await getSignedUrl(plain, new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'signed' }), { expiresIn: 60 });
  assert.equal((await fetch(second, { method: 'PUT', body: 'two' })).status, 200);
  const sha = createHash('sha256').update('three').digest('base64');
  const meant = await getSignedUrl(plain, new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'signed', ChecksumSHA256: sha }), { expiresIn: 60, unhoistableHeaders: new Set(['x-amz-checksum-sha256']) });
  assert.equal((await fetch(meant, { method: 'PUT', body: 'other', headers: { 'x-amz-checksum-sha256': sha } })).status, 400);
  assert.equal((await fetch(meant, { method: 'PUT', body: 'three', headers: { 'x-amz-checksum-sha256': sha } })).status, 200);
  assert.equal((await fetch(meant, { method: 'PUT', body: 'three' })).status, 403);

  const wrong = await fetch(`${url}0`, { method: 'PUT', body: 'x' });
  assert.equal(wrong.status, 403);
  assert.match(await wrong.text(), /<Code>SignatureDoesNotMatch</);
  assert.equal((await fetch(`${ENDPOINT}/sdk/signed`)).status, 403);
  const remove = await getSignedUrl(S3, new s3.DeleteObjectCommand({ Bucket: 'sdk', Key: 'signed' }), { expiresIn: 60 });
  assert.equal((await fetch(remove, { method: 'DELETE' })).status, 204);
});

test('s3: settings of a bucket', async () => {
  await S3.send(new s3.PutBucketCorsCommand({ Bucket: 'sdk', CORSConfiguration: { CORSRules: [{ AllowedMethods: ['PUT'], AllowedOrigins: ['https://app.example'], AllowedHeaders: ['*'], ExposeHeaders: ['ETag'] }] } }));
  assert.deepEqual((await S3.send(new s3.GetBucketCorsCommand({ Bucket: 'sdk' }))).CORSRules[0].AllowedMethods, ['PUT']);
  const preflight = await fetch(`${ENDPOINT}/sdk/k`, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' } });
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [200, 'https://app.example']);
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::sdk/public/*' }] });
  await fails(S3.send(new s3.PutBucketPolicyCommand({ Bucket: 'sdk', Policy })), 'AccessDenied', 403);
  await S3.send(new s3.DeletePublicAccessBlockCommand({ Bucket: 'sdk' }));
  await S3.send(new s3.PutBucketPolicyCommand({ Bucket: 'sdk', Policy }));
  await S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'public/x', Body: 'seen' }));
  assert.equal(await (await fetch(`${ENDPOINT}/sdk/public/x`)).text(), 'seen');
  await S3.send(new s3.PutBucketVersioningCommand({ Bucket: 'sdk', VersioningConfiguration: { Status: 'Enabled' } }));
  const { VersionId } = await S3.send(new s3.PutObjectCommand({ Bucket: 'sdk', Key: 'public/x', Body: 'newer' }));
  assert.ok(VersionId);
  assert.equal((await S3.send(new s3.DeleteObjectCommand({ Bucket: 'sdk', Key: 'public/x' }))).DeleteMarker, true);
  assert.equal(await (await S3.send(new s3.GetObjectCommand({ Bucket: 'sdk', Key: 'public/x', VersionId }))).Body.transformToString(), 'newer');
  await S3.send(new s3.PutObjectTaggingCommand({ Bucket: 'sdk', Key: 'bytes', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
  assert.deepEqual((await S3.send(new s3.GetObjectTaggingCommand({ Bucket: 'sdk', Key: 'bytes' }))).TagSet, [{ Key: 'a', Value: 'b' }]);
});

// ---- Who calls

test('keys that are wrong are told so, in each protocol', async () => {
  const credentials = { accessKeyId: 'AKIANOBODYKNOWSIT', secretAccessKey: 'x' };
  await fails(new s3.S3Client({ credentials }).send(new s3.ListBucketsCommand({})), 'InvalidAccessKeyId', 403);
  await fails(new ecs.ECSClient({ credentials }).send(new ecs.ListClustersCommand({})), 'UnrecognizedClientException', 400);
  await fails(new sts.STSClient({ credentials }).send(new sts.GetCallerIdentityCommand({})), 'InvalidClientTokenId', 403);
  const badly = { accessKeyId: 'test', secretAccessKey: 'wrong' };
  await fails(new s3.S3Client({ credentials: badly }).send(new s3.ListBucketsCommand({})), 'SignatureDoesNotMatch', 403);
  await fails(new ecs.ECSClient({ credentials: badly }).send(new ecs.ListClustersCommand({})), 'InvalidSignatureException', 400);
});

test('sts: identity, and a role whose keys work', async () => {
  const me = await STS.send(new sts.GetCallerIdentityCommand({}));
  assert.match(me.Account, /^\d{12}$/);
  const { Credentials, AssumedRoleUser } = await STS.send(new sts.AssumeRoleCommand({ RoleArn: `arn:aws:iam::${me.Account}:role/deploy`, RoleSessionName: 'ci' }));
  assert.equal(AssumedRoleUser.Arn, `arn:aws:sts::${me.Account}:assumed-role/deploy/ci`);
  assert.ok(Credentials.Expiration > new Date());
  const credentials = { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken };
  assert.equal((await new sts.STSClient({ credentials }).send(new sts.GetCallerIdentityCommand({}))).Arn, AssumedRoleUser.Arn);
  assert.ok((await new s3.S3Client({ credentials }).send(new s3.ListBucketsCommand({}))).Buckets.length);
  await fails(new s3.S3Client({ credentials: { ...credentials, sessionToken: 'other' } }).send(new s3.ListBucketsCommand({})), 'InvalidToken', 400);
});

// ---- CloudFront

const distributionConfig = (reference) => ({
  CallerReference: reference, Comment: 'sdk', Enabled: true, DefaultRootObject: 'index.html',
  Origins: { Quantity: 1, Items: [{ Id: 'site', DomainName: 'sdk.s3.us-east-1.amazonaws.com', S3OriginConfig: { OriginAccessIdentity: '' } }] },
  DefaultCacheBehavior: { TargetOriginId: 'site', ViewerProtocolPolicy: 'allow-all', CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6' },
});

test('cloudfront: a distribution from creation to removal', async () => {
  const { Distribution, ETag, Location } = await CF.send(new cloudfront.CreateDistributionCommand({ DistributionConfig: distributionConfig('sdk-1') }));
  const { Id } = Distribution;
  assert.match(Location, new RegExp(`/distribution/${Id}$`));
  assert.match(Distribution.DomainName, /\.cloudfront\.net$/);
  await cloudfront.waitUntilDistributionDeployed(quickly(CF), { Id });
  await fails(CF.send(new cloudfront.CreateDistributionCommand({ DistributionConfig: { ...distributionConfig('sdk-1'), Comment: 'other' } })), 'DistributionAlreadyExists', 409, cloudfront.DistributionAlreadyExists);
  const current = await CF.send(new cloudfront.GetDistributionConfigCommand({ Id }));
  assert.equal(current.ETag, ETag);
  await fails(CF.send(new cloudfront.UpdateDistributionCommand({ Id, IfMatch: '*', DistributionConfig: current.DistributionConfig })), 'InvalidIfMatchVersion', 400, cloudfront.InvalidIfMatchVersion);
  const updated = await CF.send(new cloudfront.UpdateDistributionCommand({ Id, IfMatch: ETag, DistributionConfig: { ...current.DistributionConfig, Comment: 'new' } }));
  assert.notEqual(updated.ETag, ETag);
  assert.equal(updated.Distribution.DistributionConfig.Comment, 'new');
  await fails(CF.send(new cloudfront.UpdateDistributionCommand({ Id, IfMatch: ETag, DistributionConfig: current.DistributionConfig })), 'PreconditionFailed', 412, cloudfront.PreconditionFailed);
  const { DistributionList } = await CF.send(new cloudfront.ListDistributionsCommand({}));
  assert.deepEqual([DistributionList.Quantity, DistributionList.Items[0].Id], [1, Id]);

  const { Invalidation } = await CF.send(new cloudfront.CreateInvalidationCommand({ DistributionId: Id, InvalidationBatch: { CallerReference: 'one', Paths: { Quantity: 2, Items: ['/*', '/a%20b'] } } }));
  await cloudfront.waitUntilInvalidationCompleted(quickly(CF), { DistributionId: Id, Id: Invalidation.Id });
  await fails(CF.send(new cloudfront.CreateInvalidationCommand({ DistributionId: 'ENOBODY', InvalidationBatch: { CallerReference: 'x', Paths: { Quantity: 1, Items: ['/*'] } } })), 'NoSuchDistribution', 404, cloudfront.NoSuchDistribution);
  await fails(CF.send(new cloudfront.DeleteDistributionCommand({ Id, IfMatch: updated.ETag })), 'DistributionNotDisabled', 409, cloudfront.DistributionNotDisabled);
  const off = await CF.send(new cloudfront.UpdateDistributionCommand({ Id, IfMatch: updated.ETag, DistributionConfig: { ...updated.Distribution.DistributionConfig, Enabled: false } }));
  await cloudfront.waitUntilDistributionDeployed(quickly(CF), { Id });
  await CF.send(new cloudfront.DeleteDistributionCommand({ Id, IfMatch: off.ETag }));
  await fails(CF.send(new cloudfront.GetDistributionCommand({ Id })), 'NoSuchDistribution', 404, cloudfront.NoSuchDistribution);
});

test('cloudfront: policies and access controls', async () => {
  const { CachePolicyList } = await CF.send(new cloudfront.ListCachePoliciesCommand({ Type: 'managed' }));
  assert.ok(CachePolicyList.Items.some((item) => item.CachePolicy.CachePolicyConfig.Name === 'Managed-CachingOptimized'));
  const { OriginAccessControl, ETag } = await CF.send(new cloudfront.CreateOriginAccessControlCommand({ OriginAccessControlConfig: { Name: 'sdk', SigningProtocol: 'sigv4', SigningBehavior: 'always', OriginAccessControlOriginType: 's3' } }));
  await CF.send(new cloudfront.DeleteOriginAccessControlCommand({ Id: OriginAccessControl.Id, IfMatch: ETag }));
  const policy = await CF.send(new cloudfront.CreateCachePolicyCommand({ CachePolicyConfig: { Name: 'sdk', MinTTL: 1, DefaultTTL: 2, MaxTTL: 3, ParametersInCacheKeyAndForwardedToOrigin: {
    EnableAcceptEncodingGzip: true, HeadersConfig: { HeaderBehavior: 'whitelist', Headers: { Quantity: 1, Items: ['Accept-Language'] } }, CookiesConfig: { CookieBehavior: 'none' }, QueryStringsConfig: { QueryStringBehavior: 'all' } } } }));
  const read = await CF.send(new cloudfront.GetCachePolicyCommand({ Id: policy.CachePolicy.Id }));
  assert.deepEqual(read.CachePolicy.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers.Items, ['Accept-Language']);
});

// ---- ELBv2

test('elbv2: load balancer, group, listener, rule, target', async () => {
  const Subnets = ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'];
  const { LoadBalancers: [lb] } = await ELB.send(new elb.CreateLoadBalancerCommand({ Name: 'sdk', Subnets }));
  await elb.waitUntilLoadBalancerAvailable(quickly(ELB), { LoadBalancerArns: [lb.LoadBalancerArn] });
  const { TargetGroups: [group] } = await ELB.send(new elb.CreateTargetGroupCommand({ Name: 'sdk', Protocol: 'HTTP', Port: 80, VpcId: 'vpc-0a1b2c3d4e5f60001', TargetType: 'ip' }));
  const { Listeners: [listener] } = await ELB.send(new elb.CreateListenerCommand({ LoadBalancerArn: lb.LoadBalancerArn, Protocol: 'HTTP', Port: 80, DefaultActions: [{ Type: 'forward', TargetGroupArn: group.TargetGroupArn }] }));
  const { Rules: [rule] } = await ELB.send(new elb.CreateRuleCommand({ ListenerArn: listener.ListenerArn, Priority: 1, Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/fixed'] } }], Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '418', ContentType: 'text/plain', MessageBody: 'short' } }] }));
  assert.equal(rule.Priority, '1');
  await ELB.send(new elb.RegisterTargetsCommand({ TargetGroupArn: group.TargetGroupArn, Targets: [{ Id: '10.0.1.99', Port: 80 }] }));
  const { TargetHealthDescriptions } = await ELB.send(new elb.DescribeTargetHealthCommand({ TargetGroupArn: group.TargetGroupArn }));
  assert.equal(TargetHealthDescriptions[0].Target.Id, '10.0.1.99');
  await fails(ELB.send(new elb.CreateTargetGroupCommand({ Name: 'sdk', Protocol: 'HTTP', Port: 81, VpcId: 'vpc-0a1b2c3d4e5f60001', TargetType: 'ip' })), 'DuplicateTargetGroupNameException', 400, elb.DuplicateTargetGroupNameException);
  await fails(ELB.send(new elb.DescribeLoadBalancersCommand({ Names: ['nobody'] })), 'LoadBalancerNotFoundException', 400, elb.LoadBalancerNotFoundException);
  assert.equal((await all(elb.paginateDescribeRules({ client: ELB, pageSize: 1 }, { ListenerArn: listener.ListenerArn }), 'Rules')).out.length, 2);
  await fails(ELB.send(new elb.DeleteTargetGroupCommand({ TargetGroupArn: group.TargetGroupArn })), 'ResourceInUseException', 400, elb.ResourceInUseException);
  await ELB.send(new elb.DeleteLoadBalancerCommand({ LoadBalancerArn: lb.LoadBalancerArn }));
  await elb.waitUntilLoadBalancersDeleted(quickly(ELB), { LoadBalancerArns: [lb.LoadBalancerArn] });
  await ELB.send(new elb.DeleteTargetGroupCommand({ TargetGroupArn: group.TargetGroupArn }));
});

// ---- ECS and ECR

test('ecr: a repository, and a token that the registry takes', async () => {
  const { repository } = await ECR.send(new ecr.CreateRepositoryCommand({ repositoryName: 'team/app' }));
  assert.match(repository.repositoryUri, /\/team\/app$/);
  await fails(ECR.send(new ecr.CreateRepositoryCommand({ repositoryName: 'team/app' })), 'RepositoryAlreadyExistsException', 400, ecr.RepositoryAlreadyExistsException);
  const { authorizationData: [{ authorizationToken, proxyEndpoint, expiresAt }] } = await ECR.send(new ecr.GetAuthorizationTokenCommand({}));
  assert.ok(expiresAt > new Date());
  assert.match(Buffer.from(authorizationToken, 'base64').toString(), /^AWS:/);
  assert.equal((await fetch(`${proxyEndpoint}/v2/`)).status, 401);
  assert.equal((await fetch(`${proxyEndpoint}/v2/`, { headers: { authorization: `Basic ${authorizationToken}` } })).status, 200);
  assert.deepEqual((await all(ecr.paginateListImages({ client: ECR }, { repositoryName: 'team/app' }), 'imageIds')).out, []);
  await fails(ECR.send(new ecr.DescribeImagesCommand({ repositoryName: 'team/app', imageIds: [{ imageTag: 'none' }] })), 'ImageNotFoundException', 400, ecr.ImageNotFoundException);
  await fails(ECR.send(new ecr.DescribeRepositoriesCommand({ repositoryNames: ['nobody'] })), 'RepositoryNotFoundException', 400, ecr.RepositoryNotFoundException);
  await ECR.send(new ecr.DeleteRepositoryCommand({ repositoryName: 'team/app', force: true }));
});

test('ecs: task definitions, a service, and its waiters', async () => {
  const { cluster } = await ECS.send(new ecs.CreateClusterCommand({ clusterName: 'sdk' }));
  assert.equal(cluster.status, 'ACTIVE');
  const definition = { family: 'sdk', requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc', cpu: '256', memory: '512', containerDefinitions: [{ name: 'app', image: 'nothing/here:1', essential: true, portMappings: [{ containerPort: 80 }] }] };
  for (let i = 0; i < 3; ++i) await ECS.send(new ecs.RegisterTaskDefinitionCommand(definition));
  const { out, pages } = await all(ecs.paginateListTaskDefinitions({ client: ECS, pageSize: 2 }, { familyPrefix: 'sdk' }), 'taskDefinitionArns');
  assert.deepEqual([out.length, pages], [3, 2]);
  const error = await fails(ECS.send(new ecs.RegisterTaskDefinitionCommand({ ...definition, memory: '100' })), 'ClientException', 400, ecs.ClientException);
  assert.match(error.message, /No Fargate configuration exists/);
  const { service } = await ECS.send(new ecs.CreateServiceCommand({ cluster: 'sdk', serviceName: 'web', taskDefinition: 'sdk', desiredCount: 0, launchType: 'FARGATE', networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-0a1b2c3d4e5f60001'] } } }));
  assert.ok(service.createdAt instanceof Date);
  await ecs.waitUntilServicesStable(quickly(ECS), { cluster: 'sdk', services: ['web'] });
  await ECS.send(new ecs.UpdateServiceCommand({ cluster: 'sdk', service: 'web', taskDefinition: 'sdk:2' }));
  const { services } = await ECS.send(new ecs.DescribeServicesCommand({ cluster: 'sdk', services: ['web', 'nobody'] }));
  assert.match(services[0].taskDefinition, /sdk:2$/);
  const missing = await ECS.send(new ecs.DescribeServicesCommand({ cluster: 'sdk', services: ['nobody'] }));
  assert.equal(missing.failures[0].reason, 'MISSING');
  await fails(ECS.send(new ecs.DescribeServicesCommand({ cluster: 'nobody', services: ['web'] })), 'ClusterNotFoundException', 400, ecs.ClusterNotFoundException);
  await fails(ECS.send(new ecs.UpdateServiceCommand({ cluster: 'sdk', service: 'nobody', desiredCount: 1 })), 'ServiceNotFoundException', 400, ecs.ServiceNotFoundException);
  await ECS.send(new ecs.DeleteServiceCommand({ cluster: 'sdk', service: 'web', force: true }));
  await ecs.waitUntilServicesInactive(quickly(ECS), { cluster: 'sdk', services: ['web'] });
});

// ---- Logs, parameters, secrets

test('logs: what was written is found', async () => {
  const logGroupName = '/sdk/app', logStreamName = 'one';
  await LOGS.send(new logs.CreateLogGroupCommand({ logGroupName }));
  await fails(LOGS.send(new logs.CreateLogGroupCommand({ logGroupName })), 'ResourceAlreadyExistsException', 400, logs.ResourceAlreadyExistsException);
  await LOGS.send(new logs.CreateLogStreamCommand({ logGroupName, logStreamName }));
  const now = Date.now();
  await LOGS.send(new logs.PutLogEventsCommand({ logGroupName, logStreamName, logEvents: Array.from({ length: 25 }, (_, i) => ({ timestamp: now + i, message: i % 5 ? `line ${i}` : `ERROR ${i}` })) }));
  const { events, nextForwardToken } = await LOGS.send(new logs.GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true, limit: 10 }));
  assert.deepEqual([events.length, events[0].message], [10, 'ERROR 0']);
  const next = await LOGS.send(new logs.GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true, limit: 10, nextToken: nextForwardToken }));
  assert.equal(next.events[0].message, 'ERROR 10');
  const found = await all(logs.paginateFilterLogEvents({ client: LOGS, pageSize: 2 }, { logGroupName, filterPattern: 'ERROR' }), 'events');
  assert.deepEqual(found.out.map((event) => event.message), ['ERROR 0', 'ERROR 5', 'ERROR 10', 'ERROR 15', 'ERROR 20']);
  await LOGS.send(new logs.PutRetentionPolicyCommand({ logGroupName, retentionInDays: 7 }));
  const { logGroups } = await LOGS.send(new logs.DescribeLogGroupsCommand({ logGroupNamePrefix: '/sdk' }));
  assert.deepEqual(logGroups.map((group) => group.retentionInDays), [7]);
  await fails(LOGS.send(new logs.GetLogEventsCommand({ logGroupName, logStreamName: 'none' })), 'ResourceNotFoundException', 400, logs.ResourceNotFoundException);
});

test('ssm: parameters by name and by path', async () => {
  for (let i = 0; i < 12; ++i) await SSM.send(new ssm.PutParameterCommand({ Name: `/sdk/db/p${i}`, Value: `v${i}`, Type: 'String' }));
  await SSM.send(new ssm.PutParameterCommand({ Name: '/sdk/secret', Value: 'hush', Type: 'SecureString' }));
  assert.equal((await SSM.send(new ssm.GetParameterCommand({ Name: '/sdk/secret', WithDecryption: true }))).Parameter.Value, 'hush');
  assert.notEqual((await SSM.send(new ssm.GetParameterCommand({ Name: '/sdk/secret' }))).Parameter.Value, 'hush');
  const { out, pages } = await all(ssm.paginateGetParametersByPath({ client: SSM, pageSize: 5 }, { Path: '/sdk', Recursive: true }), 'Parameters');
  assert.deepEqual([out.length, pages], [13, 3]);
  await fails(SSM.send(new ssm.PutParameterCommand({ Name: '/sdk/secret', Value: 'x', Type: 'SecureString' })), 'ParameterAlreadyExists', 400, ssm.ParameterAlreadyExists);
  const again = await SSM.send(new ssm.PutParameterCommand({ Name: '/sdk/secret', Value: 'x', Type: 'SecureString', Overwrite: true }));
  assert.equal(again.Version, 2);
  const both = await SSM.send(new ssm.GetParametersCommand({ Names: ['/sdk/db/p1', '/none'] }));
  assert.deepEqual([both.Parameters.length, both.InvalidParameters], [1, ['/none']]);
  await fails(SSM.send(new ssm.GetParameterCommand({ Name: '/none' })), 'ParameterNotFound', 400, ssm.ParameterNotFound);
});

test('secrets manager: values, versions, removal', async () => {
  const { ARN } = await SECRETS.send(new secrets.CreateSecretCommand({ Name: 'sdk/db', SecretString: '{"password":"one"}' }));
  assert.match(ARN, /:secret:sdk\/db-[A-Za-z0-9]{6}$/);
  await fails(SECRETS.send(new secrets.CreateSecretCommand({ Name: 'sdk/db', SecretString: 'x' })), 'ResourceExistsException', 400, secrets.ResourceExistsException);
  await SECRETS.send(new secrets.PutSecretValueCommand({ SecretId: ARN, SecretString: 'two' }));
  const value = await SECRETS.send(new secrets.GetSecretValueCommand({ SecretId: 'sdk/db' }));
  assert.deepEqual([value.SecretString, value.VersionStages], ['two', ['AWSCURRENT']]);
  assert.equal((await SECRETS.send(new secrets.GetSecretValueCommand({ SecretId: ARN, VersionStage: 'AWSPREVIOUS' }))).SecretString, '{"password":"one"}');
  await SECRETS.send(new secrets.CreateSecretCommand({ Name: 'sdk/bytes', SecretBinary: Buffer.from([0, 255, 1]) }));
  assert.deepEqual([...(await SECRETS.send(new secrets.GetSecretValueCommand({ SecretId: 'sdk/bytes' }))).SecretBinary], [0, 255, 1]);
  await fails(SECRETS.send(new secrets.GetSecretValueCommand({ SecretId: 'none' })), 'ResourceNotFoundException', 400, secrets.ResourceNotFoundException);
  await SECRETS.send(new secrets.DeleteSecretCommand({ SecretId: ARN }));
  await fails(SECRETS.send(new secrets.GetSecretValueCommand({ SecretId: ARN })), 'InvalidRequestException', 400, secrets.InvalidRequestException);
  await SECRETS.send(new secrets.RestoreSecretCommand({ SecretId: ARN }));
});

// ---- What is not built says so, by name, in the protocol's own shape

test('operations that are not built answer 501 with their names', async () => {
  const rows = [
    [S3, new s3.SelectObjectContentCommand({ Bucket: 'sdk', Key: 'bytes', ExpressionType: 'SQL', Expression: 'select 1', InputSerialization: { JSON: { Type: 'LINES' } }, OutputSerialization: { JSON: {} } }), 'SelectObjectContent'],
    [CF, new cloudfront.CreateFunctionCommand({ Name: 'f', FunctionConfig: { Comment: '', Runtime: 'cloudfront-js-2.0' }, FunctionCode: Buffer.from('x') }), 'CreateFunction'],
    [ECS, new ecs.CreateCapacityProviderCommand({ name: 'c', autoScalingGroupProvider: { autoScalingGroupArn: 'arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x' } }), 'CreateCapacityProvider'],
    [ELB, new elb.CreateTrustStoreCommand({ Name: 't', CaCertificatesBundleS3Bucket: 'b', CaCertificatesBundleS3Key: 'k' }), 'CreateTrustStore'],
    [STS, new sts.DecodeAuthorizationMessageCommand({ EncodedMessage: 'x' }), 'DecodeAuthorizationMessage'],
    [SSM, new ssm.SendCommandCommand({ DocumentName: 'd' }), 'SendCommand'],
    [LOGS, new logs.StartQueryCommand({ startTime: 1, endTime: 2, queryString: 'fields @message' }), 'StartQuery'],
    [SECRETS, new secrets.RotateSecretCommand({ SecretId: 'sdk/bytes' }), 'RotateSecret'],
    [ECR, new ecr.CreatePullThroughCacheRuleCommand({ ecrRepositoryPrefix: 'p', upstreamRegistryUrl: 'public.ecr.aws' }), 'CreatePullThroughCacheRule'],
  ];
  const wrong = [];
  for (const [client, command, name] of rows) {
    const error = await client.send(command).then(() => undefined, (caught) => caught);
    if (error?.$metadata?.httpStatusCode !== 501 || error.name !== 'NotImplemented' || !error.message.includes(name)) wrong.push(`${name}: ${error?.$metadata?.httpStatusCode} ${error?.name}: ${error?.message}`);
  }
  assert.deepEqual(wrong, []);
});

let failed = 0;
for (const [name, run] of cases) {
  const begun = Date.now();
  try {
    await run();
    if (process.env.TIMES) console.log(`${String(Date.now() - begun).padStart(6)} ms  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}\n        ${(error.stack ?? String(error)).split('\n').slice(0, 12).join('\n        ')}`);
  }
}
console.log(`sdk: ${cases.length - failed} of ${cases.length} hold`);
process.exitCode = failed ? 1 : 0;

"""push_image.py LAYOUT REPOSITORY TAG CONFIG-JSON ENDPOINT PASSWORD [PROGRAM]: pushes the layers of an OCI image layout under
another configuration, as a registry's client does, with PROGRAM as /probe in a layer of its own; prints the digest."""

import base64, hashlib, http.client, io, json, sys, tarfile
layout, repository, tag, config, endpoint, password = sys.argv[1:7]
auth = {'Authorization': 'Basic ' + base64.b64encode(('AWS:' + password).encode()).decode()}
def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(endpoint.split('//')[1], timeout=60)
    connection.request(method, path, body, {**auth, **{k.replace('_', '-'): v for k, v in headers.items()}})
    answer = connection.getresponse()
    return answer, answer.read()
def blob(digest): return open(f'{layout}/blobs/{digest.replace(":", "/")}', 'rb').read()
def digest(data): return 'sha256:' + hashlib.sha256(data).hexdigest()
manifest = json.loads(blob(json.load(open(layout + '/index.json'))['manifests'][0]['digest']))
image = json.loads(blob(manifest['config']['digest']))
image['config'].update(json.loads(config))
layers = [blob(layer['digest']) for layer in manifest['layers']]
for program in sys.argv[7:]:
    packed = io.BytesIO()
    with open(program, 'rb') as file, tarfile.open(fileobj=packed, mode='w') as tar:
        entry = tar.gettarinfo(fileobj=file, arcname='probe')
        entry.mtime = 0
        tar.addfile(entry, file)
    layers.append(packed.getvalue())
    manifest['layers'].append({'mediaType': 'application/vnd.oci.image.layer.v1.tar', 'digest': digest(layers[-1]), 'size': len(layers[-1])})
    image['rootfs']['diff_ids'].append(digest(layers[-1]))
image = json.dumps(image).encode()
manifest['config'].update(digest=digest(image), size=len(image))
for data in [image] + layers:
    answer, _ = ask('POST', f'/v2/{repository}/blobs/uploads/')
    at = answer.getheader('Location')
    ask('PATCH', at, data)
    answer, body = ask('PUT', f'{at}?digest={digest(data)}')
    assert answer.status == 201, body
answer, body = ask('PUT', f'/v2/{repository}/manifests/{tag}', json.dumps(manifest).encode(), Content_Type='application/vnd.oci.image.manifest.v1+json')
assert answer.status == 201, body
print(answer.getheader('Docker-Content-Digest'))

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podFailure } from './pod-failure.ts';
import { ended, image, podWith, running, told, unscheduledPod, waiting } from './recorded-pods.fixture.ts';

const start =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/no/such/program": stat /no/such/program: no such file or directory: unknown';
const backOff = waiting('CrashLoopBackOff', 'back-off 10s restarting failed container=app pod=web_shop(1)');
const memory = { resources: { limits: { memory: '64Mi' } } };
const of = (pod: Parameters<typeof podFailure>[1], ...events: Parameters<typeof podFailure>[2]) =>
  podFailure('web', pod, events);

describe('what pods tell of their failure', () => {
  it('nothing is wrong with one that is being made, runs, or leaves', () => {
    const leaving = podWith(ended(1, 'Error'), { restarts: 3 });

    assert.equal(of(podWith(waiting('ContainerCreating'))), null);
    assert.equal(of(podWith(waiting('PodInitializing'))), null);
    assert.equal(of(podWith(running, { restarts: 2, last: ended(1, 'Error') })), null);
    assert.equal(
      of({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-11-21T21:14:45Z' } }),
      null,
    );
  });

  it('an image that the registry does not hold, in the registry’s words', () => {
    const said = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;

    const first = of(podWith(waiting('ErrImagePull', said)));
    const later = of(podWith(waiting('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${said}`)));

    assert.equal(first?.code, 'image_pull_error');
    assert.equal(first.message, `The image ${image} of web could not be pulled: ${image}: not found`);
    assert.match(first.hint, /does not hold it/);
    assert.ok(first.patienceMs <= 1_000);
    assert.deepEqual(later, first);
  });

  it('an image whose registry refuses, and whether the namespace lacks the login', () => {
    const said = `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`;
    const missing = told('FailedToRetrieveImagePullSecret', 'Unable to retrieve some image pull secrets (eve-pull)');

    assert.match(of(podWith(waiting('ErrImagePull', said)))?.hint ?? '', /^The registry refused: [^.]*\.$/);
    assert.match(of(podWith(waiting('ErrImagePull', said)), missing)?.hint ?? '', /does not hold the login/);
  });

  it('an image whose registry is away gets a second try, and the cause is found in the events where it is only there', () => {
    const pod = podWith(waiting('ImagePullBackOff', `Back-off pulling image "${image}"`));
    const event = told(
      'Failed',
      `Failed to pull image "${image}": rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": dial tcp 127.0.0.1:9: connect: connection refused`,
    );

    const failure = of(pod, event);

    assert.match(failure?.message ?? '', /could not be pulled: dial tcp 127\.0\.0\.1:9: connect: connection refused$/);
    assert.ok((failure?.patienceMs ?? 0) > 5_000);
  });

  it('a name that is none', () => {
    const said = `Failed to apply default image tag "Bad::Image": couldn't parse image name "Bad::Image": invalid reference format`;

    const failure = of(podWith(waiting('InvalidImageName', said)));

    assert.deepEqual([failure?.code, failure?.patienceMs], ['image_pull_error', 0]);
  });

  it('a program that exits again and again, whether it is said to back off or not', () => {
    const once = of(podWith(ended(3, 'Error')));
    const twice = of(podWith(ended(3, 'Error'), { restarts: 1, last: ended(3, 'Error') }));
    const between = of(podWith(backOff, { restarts: 1, last: ended(3, 'Error') }));

    assert.equal(once, null);
    assert.equal(twice?.code, 'container_exited');
    assert.equal(twice.message, 'web exited with 3 and was restarted 1 times before it was healthy.');
    assert.equal(twice.patienceMs, 0);
    assert.deepEqual(between, twice);
  });

  it('a program that is not there', () => {
    const first = of(podWith(ended(128, 'StartError', start)));
    const between = of(podWith(backOff, { restarts: 1, last: ended(128, 'StartError', start) }));
    const trying = of(podWith(waiting('RunContainerError', start)));

    assert.equal(between?.code, 'container_exited');
    assert.match(between.message, /^web could not be started: exec: "\/no\/such\/program": stat/);
    assert.match(between.hint, /Check command/);
    assert.equal(first?.message, between.message);
    assert.equal(trying?.message, between.message);
  });

  it('memory that ran out, also where the runtime only says that it was killed', () => {
    const named = of(podWith(backOff, { last: ended(137, 'OOMKilled'), container: memory }));
    const unnamed = of(podWith(ended(137, 'Error'), { container: memory, restarts: 1 }));
    const without = of(podWith(ended(137, 'Error'), { restarts: 1 }));

    assert.deepEqual(
      [named?.code, unnamed?.code, without?.code],
      ['resource_error', 'resource_error', 'container_exited'],
    );
    assert.match(named?.message ?? '', /exited with 137 \(out of memory\)/);
  });

  it('a probe by which the kubelet ended it', () => {
    const livenessProbe = { httpGet: { path: '/live', port: 3000 } };
    const pod = podWith(backOff, { restarts: 2, last: ended(137, 'Error'), container: { ...memory, livenessProbe } });
    const refused =
      'Liveness probe failed: Get "http://10.244.0.19:3000/live": dial tcp 10.244.0.19:3000: connect: connection refused';

    const failure = of(
      pod,
      told('Unhealthy', refused),
      told('Killing', 'Container app failed liveness probe, will be restarted', { type: 'Normal' }),
    );

    assert.equal(failure?.code, 'health_check_failed');
    assert.equal(failure.message, 'web was not healthy: GET /live: refused and was restarted 2 times.');
  });

  it('a Secret that is not there, and a user that the namespace does not take', () => {
    const missing = of(podWith(waiting('CreateContainerConfigError', 'secret "missing-secret" not found')));
    const root = of(
      podWith(
        waiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root (pod: "web")'),
      ),
    );

    assert.equal(missing?.code, 'secret_missing');
    assert.match(missing.message, /secret "missing-secret" not found/);
    assert.equal(root?.code, 'engine_error');
    assert.match(root.hint, /numeric `user`/);
  });

  it('no room, in the scheduler’s words, unless a machine is on its way', () => {
    const said =
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';

    const failure = of(unscheduledPod(said), told('FailedScheduling', said));
    const growing = of(unscheduledPod(said), told('TriggeredScaleUp', 'pod triggered scale-up', { type: 'Normal' }));

    assert.equal(failure?.code, 'unschedulable');
    assert.equal(failure.message, `No machine of the cluster takes web: ${said}`);
    assert.equal(failure.patienceMs, 5_000);
    assert.equal(growing?.patienceMs, 600_000);
    assert.match(of(unscheduledPod('persistentvolumeclaim "data" not found'))?.hint ?? '', /storage class/);
  });

  it('pods that the cluster ended: evicted, run too long, with their machine', () => {
    const failed = (reason: string, message: string) =>
      of(podWith(ended(137, 'Error'), { status: { phase: 'Failed', reason, message } }));

    const evicted = failed('Evicted', 'Usage of EmptyDir volume "cache" exceeds the limit "10Mi". ');
    const late = failed('DeadlineExceeded', 'Pod was active on the node longer than the specified deadline');
    const shut = failed('NodeShutdown', 'Pod was terminated in response to imminent node shutdown.');
    const lost = of(podWith(running, { status: { phase: 'Unknown', reason: 'NodeLost' } }));

    assert.deepEqual(
      [evicted?.code, late?.code, shut?.code, lost?.code],
      ['resource_error', 'container_exited', 'infrastructure_error', 'infrastructure_error'],
    );
    assert.match(evicted?.message ?? '', /evicted web: Usage of EmptyDir volume "cache" exceeds/);
  });

  it('a volume that cannot be mounted, after a while', () => {
    const event = told('FailedMount', 'MountVolume.SetUp failed for volume "v" : configmap "not-there" not found');

    const failure = of(podWith(waiting('ContainerCreating')), event);

    assert.equal(failure?.code, 'engine_error');
    assert.match(failure.message, /configmap "not-there" not found/);
    assert.ok(failure.patienceMs >= 10_000);
  });

  it('what is told of other pods is not heard', () => {
    const other = { involvedObject: { kind: 'Pod', name: 'web-7d6f-ttq7z', uid: 'another' } };

    assert.equal(of(podWith(waiting('ContainerCreating')), told('FailedMount', 'no', other)), null);
  });
});

import { describe, expect, test } from 'vitest';
import { Readiness, ROUTES, SERVICES, Version, type ServiceName } from '@macronode/contracts';
import { Client, client, headerOf } from './client.ts';
import { absentId, freshObject, unique } from './content.ts';
import { scrape, sumOf } from './metrics-text.ts';
import { poll, until } from './poll.ts';
import { opsOf, target } from './target.ts';

/** The golden set: every service has these series, with these labels. */
const GOLDEN: readonly [name: string, labels: readonly string[]][] = [
  ['http_requests_total', ['route', 'method', 'code']],
  ['request_latency_seconds_bucket', ['route', 'method', 'le']],
  ['inflight_requests', ['route']],
  ['rejected_total', ['reason']],
  ['service_restarts_total', []],
  ['bus_lagged_total', []],
  ['build_info', ['version', 'git_sha', 'node']],
  ['config_value', ['key']],
  ['process_resident_memory_bytes', []],
];

/** The services that keep data, where a node keeps any. */
const KEEPERS: readonly ServiceName[] = ['index', 'storage', 'mailbox'];

describe.each(SERVICES)('%s', (service: ServiceName) => {
  test('answers on its ops port: alive, ready, and which build it is', async () => {
    for (const url of opsOf(service)) {
      const ops = new Client({ url });
      expect((await ops.get('/healthz')).status).toBe(200);
      const ready = await ops.get('/readyz');
      expect(ready.status, ready.text).toBe(200);
      expect(Readiness.parse(ready.json())).toMatchObject({
        ready: true,
        write_ready: true,
        missing: [],
        retry_after: null,
      });
      const version = Version.parse((await ops.get('/version')).json());
      expect(version.node).toMatch(/^v?24\./);
      const micronode = target.name === 'micronode';
      if (target.name !== 'url') {
        expect(version.profile).toBe(micronode ? 'micronode' : 'macronode');
        // The gateway and omnigate keep nothing anywhere.
        if (micronode || KEEPERS.includes(service)) expect(version.amnesia).toBe(micronode);
      }
      expect((await ops.get('/nowhere')).status).toBe(404);
    }
  });

  test('exports the golden metrics with exactly their labels', async () => {
    // One request of each kind, so that labelled series exist.
    await client.get('/nowhere');
    const samples = await scrape(service);
    for (const [name, labels] of GOLDEN) {
      const series = samples.filter((sample) => sample.name === name);
      if (
        service !== 'gateway' &&
        ['http_requests_total', 'request_latency_seconds_bucket', 'inflight_requests', 'rejected_total'].includes(name)
      ) {
        // Series appear with the first request; only the gateway is sure to have had one.
        for (const sample of series) expect(Object.keys(sample.labels).sort()).toEqual(['service', ...labels].sort());
        continue;
      }
      expect(series.length, `${name} of ${service}`).toBeGreaterThan(0);
      for (const sample of series)
        expect(Object.keys(sample.labels).sort(), name).toEqual(['service', ...labels].sort());
    }
  });
});

test('metrics are served in the Prometheus text format', async () => {
  const [url] = opsOf('gateway');
  const reply = await new Client({ url: url ?? '' }).get('/metrics');
  expect(headerOf(reply, 'content-type')).toMatch(/^(text\/plain; version=0\.0\.4|application\/openmetrics-text)/);
});

test('requests are counted exactly, by route template, method and code', async () => {
  const { bytes, id } = freshObject(1_000);
  const name = `${unique('count')}.example`;
  const expected: [Record<string, string>, number][] = [
    [{ route: ROUTES.objectPut.template, method: 'PUT', code: '201' }, 1],
    [{ route: ROUTES.objectPut.template, method: 'PUT', code: '200' }, 2],
    [{ route: ROUTES.objectGet.template, method: 'GET', code: '200' }, 3],
    [{ route: ROUTES.objectGet.template, method: 'GET', code: '404' }, 2],
    [{ route: ROUTES.objectGet.template, method: 'GET', code: '206' }, 1],
    [{ route: ROUTES.objectHead.template, method: 'HEAD', code: '200' }, 4],
    [{ route: ROUTES.nameRead.template, method: 'GET', code: '404' }, 5],
  ];
  const read = () => Promise.all(expected.map(([labels]) => sumOf('gateway', 'http_requests_total', labels)));
  await until(async () => (await sumOf('gateway', 'inflight_requests')) === 0, { what: 'earlier requests to be over' });
  const before = await read();
  for (let i = 0; i < 3; i += 1) await client.put(`/o/${id}`, bytes);
  for (let i = 0; i < 3; i += 1) await client.get(`/o/${id}`);
  for (let i = 0; i < 2; i += 1) await client.get(`/o/${absentId()}`);
  await client.get(`/o/${id}`, { range: 'bytes=0-1' });
  for (let i = 0; i < 4; i += 1) await client.head(`/o/${id}`);
  for (let i = 0; i < 5; i += 1) await client.get(`/n/${name}`);
  // A response is counted when its last byte is sent, which its reader may see first.
  const counted = await poll(
    async () => {
      const after = await read();
      const grown = after.map((value, i) => value - (before[i] ?? 0));
      return grown.reduce((sum, n) => sum + n, 0) >= 18 ? grown : undefined;
    },
    { what: 'the counters to move' },
  );
  expect(counted).toEqual(expected.map(([, times]) => times));
});

test('no id, name or topic becomes a label', async () => {
  const { bytes, id } = freshObject(100);
  const name = `${unique('label')}.example`;
  const topic = unique('label-topic');
  await client.put(`/o/${id}`, bytes);
  await client.json('PUT', `/names/${name}`, { target: id });
  await client.get(`/n/${name}`);
  await client.get(`/${name}`);
  await client.json('POST', '/mailbox/recv', { topic });
  for (const service of SERVICES) {
    const values = (await scrape(service)).flatMap(({ labels }) => Object.values(labels));
    for (const word of [id, name, topic]) expect(values.filter((value) => value.includes(word))).toEqual([]);
  }
});

test('latency is measured once per request', async () => {
  const labels = { route: ROUTES.objectHead.template, method: 'HEAD' };
  const before = await sumOf('gateway', 'request_latency_seconds_count', labels);
  const id = absentId();
  for (let i = 0; i < 7; i += 1) await client.head(`/o/${id}`);
  await poll(
    async () => ((await sumOf('gateway', 'request_latency_seconds_count', labels)) === before + 7 ? true : undefined),
    {
      what: 'seven observations',
    },
  );
});

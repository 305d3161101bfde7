import { expect, test } from 'vitest';
import { EXIT } from './exit-codes.ts';
import { closedUrl, json, standIn } from './stand-in-fixture.ts';

const node = standIn();
const { ronctl } = node;

test('status shows one row per service and fails when one is not ready', async () => {
  const ready = { service: 'gateway', ready: true, write_ready: true, missing: [], retry_after: null };
  node.handler = (_request, response) => json(response, 200, ready);
  expect(await ronctl(['status', '--ops', node.url])).toMatchObject({ exitCode: EXIT.ok });
  node.handler = (_request, response) =>
    json(response, 503, { ...ready, ready: false, missing: ['bus'], retry_after: 1 });
  const ran = await ronctl(['status', '--ops', node.url, '--ops', await closedUrl()]);
  expect(ran.exitCode).toBe(EXIT.unavailable);
  expect(ran.out).toMatch(/^gateway +not ready +bus /m);
  expect(ran.out).toMatch(/^\? +down +ECONNREFUSED /m);
  expect(ran.out).not.toContain('\u001b');
});

test('status of a node that runs several services lists each of them', async () => {
  const part = { ready: true, write_ready: true, missing: [], retry_after: null };
  const services = { gateway: part, storage: { ...part, write_ready: false, missing: ['store'] } };
  node.handler = (_request, response) => json(response, 200, { service: 'micronode', ...part, services });
  const ran = await ronctl(['status', '--ops', node.url, '--json']);
  expect(JSON.parse(ran.out)).toMatchObject({
    services: [
      { service: 'gateway', state: 'ready' },
      { service: 'storage', state: 'read-only', missing: ['store'] },
    ],
  });
});

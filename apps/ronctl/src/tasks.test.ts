import { expect, test } from 'vitest';
import { json, standIn } from './stand-in-fixture.ts';

const node = standIn();
const { ronctl } = node;

const task = {
  ...{ service: 'gateway', kind: 'semaphore', name: 'in-flight requests', held: 7, bound: 8, unit: 'count' },
  ...{ waiting: 0, oldest_ms: 12, oldest_waiting_ms: null },
};

test('tasks of several ops ports are one table: who waits first, what is empty left out', async () => {
  const waited = { ...task, service: 'storage', name: 'upload slots', waiting: 3, oldest_waiting_ms: 2_500 };
  const empty = { ...task, name: 'idle', held: 0, oldest_ms: null };
  const paths: (string | undefined)[] = [];
  node.handler = (request, response) => {
    paths.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
    json(response, 200, { tasks: paths.length === 1 ? [task, empty] : [waited] });
  };
  const ran = await ronctl(['tasks', '--ops', node.url, '--ops', node.url, '--token', 'secret']);
  expect(paths).toEqual(['/debug/tasks Bearer secret', '/debug/tasks Bearer secret']);
  const [, first, second, ...others] = ran.out.trimEnd().split('\n');
  expect(first).toMatch(/^storage +semaphore +upload slots +7 +8 +12 ms +3 +2\.5 s/);
  expect(second).toMatch(/^gateway +semaphore +in-flight requests +7 +8 +12 ms +0 +-/);
  expect(others).toEqual([]);
  node.handler = (_request, response) => json(response, 200, { tasks: [empty] });
  expect((await ronctl(['tasks', '--ops', node.url])).out).toContain('nothing is held');
  expect(JSON.parse((await ronctl(['tasks', '--ops', node.url, '--all', '--json'])).out)).toEqual({ tasks: [empty] });
});

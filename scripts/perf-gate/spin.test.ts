import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

/** A server that answers with the CPU time it has used so far, in microseconds. */
const SERVER = `
import { createServer } from 'node:http';
const server = createServer((_, response) => {
  const { user, system } = process.cpuUsage();
  response.end(String(user + system));
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
`;

it('makes each request cost what it was told', async () => {
  const script = `data:text/javascript,${encodeURIComponent(SERVER)}`;
  const child = fork(new URL('spin.mjs', import.meta.url), { execArgv: ['--import', script] });
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const ask = async (): Promise<number> => Number(await (await fetch(`http://127.0.0.1:${port}`)).text());
    child.send({ spinMicros: 20_000 });
    // The order is carried out before what comes after it on another channel may be: the first request only waits for it.
    await ask();
    const before = await ask();
    for (let left = 20; left > 0; left -= 1) await ask();
    const perRequest = ((await ask()) - before) / 21;
    expect(perRequest).toBeGreaterThan(15_000);
  } finally {
    child.kill('SIGKILL');
  }
});

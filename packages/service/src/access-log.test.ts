import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { LIMITS } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessLines, AccessLog, accessLogMetrics, type FinishedRequest } from './access-log.ts';
import { createBareLogger } from './logging.ts';

let folder: string;
let registry: MetricsRegistry;
let lines: AccessLines | undefined;
let opened: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'access-log-'));
  registry = new MetricsRegistry();
  opened = [];
});
afterEach(async () => {
  await lines?.close();
  lines = undefined;
  for (const fd of opened) closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

const open = (path: string, flags: number | string): number => {
  const fd = openSync(path, flags);
  opened.push(fd);
  return fd;
};

function writeTo(fd: number): AccessLines {
  const made = new AccessLines(fd, registry.scope({ service: 'gateway' }).bind(accessLogMetrics));
  lines = made;
  return made;
}

async function dropped(): Promise<number> {
  const series = 'access_log_dropped_total{service="gateway"} ';
  const line = (await registry.render()).split('\n').find((each) => each.startsWith(series));
  return Number(line?.slice(series.length) ?? NaN);
}

const lineOf = (i: number): string => `${JSON.stringify({ i, fill: 'x'.repeat(200) })}\n`;
const numbersIn = (text: string): number[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { i: number }).i);

/** What a pipe holds now. */
function take(fd: number): string {
  const buffer = Buffer.alloc(65_536);
  let text = '';
  try {
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) text += buffer.toString('utf8', 0, n);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
  return text;
}

describe('access lines', () => {
  it('are all there, whole and in order, once closed', async () => {
    const file = join(folder, 'log');
    const log = writeTo(openSync(file, 'a'));
    for (let i = 0; i < 1_000; i++) log.write(lineOf(i));
    await log.close();
    expect(numbersIn(readFileSync(file, 'utf8'))).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(await dropped()).toBe(0);
  });

  it('do not wait for a full piece for ever', async () => {
    const file = join(folder, 'log');
    writeTo(openSync(file, 'a')).write(lineOf(7));
    await vi.waitFor(() => expect(numbersIn(readFileSync(file, 'utf8'))).toEqual([7]), { timeout: 10_000 });
  });

  it('of a reader that takes nothing are bounded: what does not fit is counted, the rest arrives', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const { O_RDWR, O_RDONLY, O_NONBLOCK } = constants;
    const log = writeTo(openSync(pipe, O_RDWR | O_NONBLOCK));
    const reader = open(pipe, O_RDONLY | O_NONBLOCK);
    const count = Math.ceil((3 * LIMITS.access_log_buffer_bytes.value) / lineOf(0).length);
    for (let i = 0; i < count; i++) log.write(lineOf(i));
    const lost = await dropped();
    expect(lost).toBeGreaterThan(count / 3);
    let text = '';
    await vi.waitFor(
      () => {
        text += take(reader);
        expect(numbersIn(text)).toHaveLength(count - lost);
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(await dropped()).toBe(lost);
  }, 30_000);

  it('of a reader that is gone are counted', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const log = writeTo(open(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    closeSync(reader);
    await vi.waitFor(
      async () => {
        for (let i = 0; i < 100; i++) log.write(lineOf(i));
        expect(await dropped()).toBeGreaterThan(0);
      },
      { timeout: 10_000, interval: 5 },
    );
  });
});

describe('the access log', () => {
  it('tells a request in one line, and leaves out what is not known', () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    });
    const log = new AccessLog(createBareLogger({ service: 'gateway', node_id: 'n' }, stream));
    const request: FinishedRequest = {
      method: 'GET',
      route: '/o/{id}',
      status: 200,
      bytes: 5,
      seconds: 0.0012345678,
      corrId: 'C',
      trace: '4bf92f3577b34da6a3ce929d0e0e4736',
    };
    log.finished(request);
    log.finished({ ...request, bytes: undefined, trace: undefined, status: 499 });
    const [first = '', second = ''] = written;
    expect(JSON.parse(first)).toEqual({
      level: 'info',
      time: expect.any(String) as string,
      service: 'gateway',
      node_id: 'n',
      method: 'GET',
      route: '/o/{id}',
      status: 200,
      bytes: 5,
      duration_ms: 1.235,
      corr_id: 'C',
      trace_id: request.trace,
      message: 'request',
    });
    expect(JSON.parse(second)).toMatchObject({ status: 499 });
    expect(Object.keys(JSON.parse(second) as object)).not.toContain('bytes');
    expect(Object.keys(JSON.parse(second) as object)).not.toContain('trace_id');
  });
});

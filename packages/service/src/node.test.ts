import 'reflect-metadata';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BusContext, type BusSubject, InProcessLink } from '@macronode/bus';
import { ErrorEnvelope, ServiceError } from '@macronode/contracts';
import { counter } from '@macronode/metrics';
import { Controller, type DynamicModule, Get, Inject, Injectable, Param, Req } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusPayload } from './bus-payload.ts';
import { ConfigError, defineConfig } from './config.ts';
import type { ServiceDefinition, ServiceDeps } from './definition.ts';
import { knob } from './knob.ts';
import { type RunningNode, startNode } from './node.ts';
import { toCallContext } from './request-context.ts';

interface Echo {
  readonly text: string;
}
const EchoSchema = z.strictObject({ text: z.string().max(20) });
const ECHO: BusSubject<Echo, Echo> = {
  name: 'index.echo',
  service: 'index',
  request: EchoSchema,
  reply: EchoSchema,
  stream: 'none',
  idempotent: true,
  deadlineMs: 5_000,
};

const closed: string[] = [];
const indexConfig = defineConfig('index', {
  suffix: knob.string({ env: 'INDEX_SUFFIX', default: '!', help: 'Put behind every echo.' }),
});
type IndexDeps = ServiceDeps<{ readonly suffix: string }>;

@Injectable()
class Echoer {
  readonly #deps: IndexDeps;
  constructor(@Inject('deps') deps: IndexDeps) {
    this.#deps = deps;
  }
  echo(text: string, corrId: string): Echo {
    if (text === 'stale') throw new ServiceError('stale_seq', 'too old', { details: { current: 7 } });
    if (text === 'defect') throw new Error('a secret of the index');
    return { text: text === 'corr' ? corrId.slice(0, 20) : `${text}${this.#deps.config.suffix}` };
  }
}

@Controller()
class EchoController {
  readonly #echoer: Echoer;
  constructor(echoer: Echoer) {
    this.#echoer = echoer;
  }
  @MessagePattern(ECHO.name)
  echo(@Payload(BusPayload(ECHO)) payload: Echo, @Ctx() ctx: BusContext): Echo {
    return this.#echoer.echo(payload.text, ctx.corrId);
  }
}

class IndexModule {}
const index: ServiceDefinition<{ readonly suffix: string }> = {
  name: 'index',
  config: indexConfig,
  opsPort: 9082,
  declarations: [],
  module: {
    register(deps): DynamicModule {
      deps.onClose('store', () => void closed.push(`store ${deps.bus.status()}`));
      return {
        module: IndexModule,
        controllers: [EchoController],
        providers: [Echoer, { provide: 'deps', useValue: deps }],
      };
    },
  },
};

/** The gateway of these tests holds requests for `/names/slow` until told to go on. */
const gate: { go: () => void; opened: Promise<void> } = { go: () => undefined, opened: Promise.resolve() };
const asked = counter({ name: 'asked_total', help: 'Questions asked.' });

@Controller('names')
class AskController {
  readonly #deps: ServiceDeps<object>;
  readonly #asked: { inc(): void };
  constructor(@Inject('gateway') deps: ServiceDeps<object>) {
    this.#deps = deps;
    this.#asked = deps.metrics.bind({ asked }).asked;
  }
  @Get(':name')
  async ask(@Param('name') name: string, @Req() request: FastifyRequest): Promise<Echo> {
    this.#asked.inc();
    if (name === 'slow') await gate.opened;
    return this.#deps.bus.call(ECHO, { text: name }, toCallContext(request.ctx));
  }
}

class GatewayModule {}
const gateway: ServiceDefinition<{ readonly port: number }> = {
  name: 'gateway',
  config: defineConfig('gateway', {
    port: knob.int({ env: 'PORT', default: 8080, unit: 'port', min: 0, max: 65_535, help: 'Public port.' }),
  }),
  opsPort: 9080,
  http: ({ port }) => ({ host: '127.0.0.1', port }),
  declarations: [asked],
  module: {
    register: (deps): DynamicModule => ({
      module: GatewayModule,
      controllers: [AskController],
      providers: [{ provide: 'gateway', useValue: deps }],
    }),
  },
};

const env = { OPS_PORT: '0', PORT: '0', LOG_LEVEL: 'silent' };
const boot = (more: Record<string, string> = {}): Promise<RunningNode> =>
  startNode({ services: [index, gateway], profile: 'micronode', env: { ...env, ...more } });
const ask = (node: RunningNode, name: string, init?: RequestInit): Promise<Response> =>
  fetch(`${node.httpUrl}/names/${name}`, init);

async function until(what: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a node', () => {
  it('answers a request through its route, the bus and the handler of another service', async () => {
    await using node = await boot({ INDEX_SUFFIX: '?' });
    const response = await ask(node, 'hello');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ text: 'hello?' });
  });

  it('carries the correlation id from the header to the handler', async () => {
    await using node = await boot();
    const corr = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const response = await ask(node, 'corr', { headers: { 'x-corr-id': corr } });
    expect(response.headers.get('x-corr-id')).toBe(corr);
    expect(await response.json()).toEqual({ text: corr.slice(0, 20) });
  });

  it('answers an error of a handler in another service with its own code', async () => {
    await using node = await boot();
    const stale = await ask(node, 'stale');
    expect(stale.status).toBe(409);
    expect(ErrorEnvelope.parse(await stale.json()).error).toMatchObject({
      code: 'stale_seq',
      message: 'too old',
      details: { current: 7 },
    });
    const defect = await ask(node, 'defect');
    expect(defect.status).toBe(500);
    expect(await defect.text()).not.toContain('secret');
    const schema = await ask(node, 'a-name-that-is-too-long-for-the-subject');
    expect(schema.status).toBe(400);
    expect(ErrorEnvelope.parse(await schema.json()).error.code).toBe('schema');
  });

  it('answers unknown paths with 404 and known ones under another method with 405', async () => {
    await using node = await boot();
    const unknown = await fetch(`${node.httpUrl}/nothing/here`);
    expect(unknown.status).toBe(404);
    expect(ErrorEnvelope.parse(await unknown.json()).error.code).toBe('not_found');
    const wrong = await ask(node, 'hello', { method: 'DELETE' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'PUT']);
  });

  it('answers its probes for all services together', async () => {
    await using node = await boot();
    const ready = await fetch(`${node.opsUrl}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      service: 'micronode',
      ready: true,
      services: [{ service: 'index' }, { service: 'gateway' }],
    });
    expect(await (await fetch(`${node.opsUrl}/version`)).json()).toMatchObject({
      service: 'micronode',
      profile: 'micronode',
      amnesia: true,
    });
  });

  it('exposes the golden metrics of each service', async () => {
    await using node = await boot();
    await (await ask(node, 'hello')).text();
    await (await ask(node, 'stale')).text();
    const text = await (await fetch(`${node.opsUrl}/metrics`)).text();
    for (const line of [
      'http_requests_total{service="gateway",route="/names/{name}",method="GET",code="200"} 1',
      'http_requests_total{service="gateway",route="/names/{name}",method="GET",code="409"} 1',
      'inflight_requests{service="gateway",route="/names/{name}"} 0',
      'rejected_total{service="gateway",reason="stale_seq"} 1',
      'rejected_total{service="index",reason="stale_seq"} 1',
      'rejected_total{service="index",reason="busy"} 0',
      'service_restarts_total{service="index"} 0',
      'readyz_state{service="gateway"} 2',
      'config_value{service="gateway",key="port"} 0',
      'config_value{service="index",key="drainTimeoutMs"} 8000',
      'asked_total{service="gateway"} 2',
      'metrics_misuses_total 0',
      'metrics_collect_failures_total 0',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toContain('build_info{service="index",version=');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds{service="micronode"}');
  });

  it('gives each service a folder of its own, or none', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'node-'));
    {
      await using node = await boot({ DATA_DIR: dir });
      expect(node.deps('index').dataDir).toBe(join(dir, 'index'));
      expect((await stat(join(dir, 'index'))).isDirectory()).toBe(true);
    }
    await rm(dir, { recursive: true });
    await using amnesiac = await boot();
    expect(amnesiac.deps('index').dataDir).toBeUndefined();
  });

  it('writes each key of a log line once, under the service that speaks', async () => {
    const lines: string[] = [];
    const logStream = { write: (line: string) => void lines.push(line) };
    const { LOG_LEVEL: _level, ...loud } = env;
    {
      await using node = await startNode({ services: [index, gateway], profile: 'micronode', env: loud, logStream });
      node.deps('index').log.info('from the index');
      await (await ask(node, 'defect')).text();
    }
    const of = (text: string): string => lines.find((line) => line.includes(text)) ?? '';
    for (const line of lines) expect(line.match(/"service":/g)).toHaveLength(1);
    expect(of('from the index')).toContain('"service":"index"');
    expect(of('listens on')).toContain('"service":"micronode"');
    const failure = of('a secret of the index');
    expect(failure).toMatch(/"service":"index".*"corr_id":"[0-9A-Z]{26}"/);
    expect(failure).toMatch(/"trace_id":"[0-9a-f]{32}","span_id":"[0-9a-f]{16}"/);
  });

  it('shares a medium with another node', async () => {
    const link = new InProcessLink();
    await using _a = await startNode({
      services: [index],
      profile: 'macronode',
      env: { ...env, BUS_LINK: 'in-process' },
      link,
    });
    await using b = await startNode({
      services: [gateway],
      profile: 'macronode',
      env: { ...env, BUS_LINK: 'in-process' },
      link,
    });
    expect(await (await ask(b, 'hello')).json()).toEqual({ text: 'hello!' });
  });
});

describe('a start', () => {
  it('tells all wrong settings of all services at once', async () => {
    const wrong = boot({ PORT: 'x', INDEX_TYPO: '1', LOG_LEVEL: 'loud' });
    await expect(wrong).rejects.toThrow(ConfigError);
    await expect(wrong).rejects.toThrow(/PORT must be.*\n.*|INDEX_TYPO is not a setting/);
    await expect(boot({ PORT: 'x', INDEX_TYPO: '1', LOG_LEVEL: 'loud' })).rejects.toThrow(/3 settings are wrong/);
  });

  it('that fails leaves nothing open', async () => {
    await using first = await boot();
    const port = new URL(first.httpUrl ?? '').port;
    const opsPort = '0';
    closed.length = 0;
    await expect(boot({ PORT: port, OPS_PORT: opsPort })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(closed).toHaveLength(1);
  });
});

describe('a drain', () => {
  it('is unready first, finishes what is in flight, then closes in reverse order', async () => {
    const node = await boot();
    gate.opened = new Promise((resolve) => (gate.go = resolve));
    const slow = ask(node, 'slow');
    await until(async () =>
      (await node.metrics.render()).includes('inflight_requests{service="gateway",route="/names/{name}"} 1'),
    );
    closed.length = 0;
    const closing = node.close();
    const probe = await fetch(`${node.opsUrl}/readyz`);
    expect(probe.status).toBe(503);
    expect(await probe.json()).toMatchObject({ missing: ['index.draining', 'gateway.draining'] });
    await until(() => ask(node, 'hello').then(() => false, () => true)); // prettier-ignore
    expect(closed).toEqual([]);
    gate.go();
    const response = await slow;
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toEqual({ text: 'slow!' });
    expect(await closing).toEqual([]);
    expect(closed).toHaveLength(1);
    await expect(fetch(`${node.opsUrl}/healthz`)).rejects.toThrow();
    expect(await node.close()).toEqual([]);
  });

  it('cuts what is over its time', async () => {
    const node = await boot({ DRAIN_TIMEOUT_MS: '100' });
    gate.opened = new Promise((resolve) => (gate.go = resolve));
    const slow = ask(node, 'slow').then(
      () => 'answered',
      () => 'cut',
    );
    await until(async () =>
      (await node.metrics.render()).includes('inflight_requests{service="gateway",route="/names/{name}"} 1'),
    );
    await node.close();
    expect(await slow).toBe('cut');
    gate.go();
  });
});

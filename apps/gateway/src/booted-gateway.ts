import type { Server } from 'node:http';
import { InProcessLink } from '@macronode/bus';
import { hashBytes } from '@macronode/content';
import { type RunningNode, startNode } from '@macronode/service';
import { expect, vi } from 'vitest';
import { gatewayService } from './index.ts';
import { OmnigateResponder } from './omnigate.responder.ts';

export const GATEWAY_ENV = {
  PORT: '0',
  OPS_PORT: '0',
  HTTP_HOST: '127.0.0.1',
  LOG_LEVEL: 'silent',
  GATEWAY_INFLIGHT: '8',
  ADMIN_TOKEN: 'admin-token-of-a-test',
};

/** Bytes that differ from one chunk to the next. */
export const sample = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 131 + (i >> 8)) % 251));

export const NOWHERE = `b3:${'0'.repeat(64)}`;
export const JSON_TYPE = { 'content-type': 'application/json' };

/** A chunked body: its length is not announced. */
export function streamOf(bytes: Buffer): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 10_000) {
        controller.enqueue(Uint8Array.from(bytes.subarray(at, at + 10_000)));
      }
      controller.close();
    },
  });
}

/** Waits until `holds`, for effects that have no event of their own. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await vi.waitFor(async () => expect(await holds(), what).toBe(true), { timeout: 10_000, interval: 5 });
}

/** For this module's tests: the gateway, started for real, with a responder at the other end of its bus. */
export class BootedGateway {
  readonly link = new InProcessLink();
  readonly omnigate = new OmnigateResponder(this.link);
  readonly #env: Readonly<Record<string, string>>;
  #node: RunningNode | undefined;

  /** `env` is laid over GATEWAY_ENV. */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = { ...GATEWAY_ENV, ...env };
  }

  async start(): Promise<void> {
    await this.link.start();
    await this.omnigate.start();
    const services = [gatewayService];
    this.#node = await startNode({ services, profile: 'micronode', env: this.#env, link: this.link });
  }

  async close(): Promise<void> {
    await this.#node?.close();
    await this.omnigate[Symbol.asyncDispose]();
    await this.link.close();
  }

  get url(): string {
    return this.#node?.httpUrl ?? 'http://not.started.invalid';
  }

  get server(): Server {
    return this.#node?.app.getHttpServer() as Server;
  }

  readonly call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${this.url}${path}`, init);

  ops(path: string): Promise<Response> {
    return fetch(`${this.#node?.opsUrl ?? ''}${path}`);
  }

  /** Asks an admin route; answers status and body. */
  async admin(method: string, path: string, body?: unknown): Promise<[number, unknown]> {
    const response = await fetch(`${this.#node?.opsUrl ?? ''}${path}`, {
      method,
      headers: { authorization: `Bearer ${GATEWAY_ENV.ADMIN_TOKEN}`, ...(body !== undefined && JSON_TYPE) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return [response.status, await response.json()];
  }

  /** The value of one series, 0 when it is not there. */
  async metric(series: string): Promise<number> {
    const text = await (await this.ops('/metrics')).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }

  async put(bytes: Buffer): Promise<string> {
    const id = hashBytes(bytes);
    const response = await this.call(`/o/${id}`, { method: 'PUT', body: bytes });
    expect([200, 201]).toContain(response.status);
    return id;
  }

  /** Makes the responder know a name. */
  publish(name: string, target: string): string {
    const owner = '0'.repeat(64);
    const record = { v: 1 as const, name, seq: 1, target, ttl_s: 60, owner, not_after: '2099-01-01T00:00:00Z' };
    const etag = `b3:${'1'.repeat(64)}`;
    this.omnigate.names.set(name, { record: { record, sig: 'AAAA' }, etag, created: false });
    return name;
  }
}

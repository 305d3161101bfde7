// One window of requests against one gateway, and what it cost.
import { readFileSync } from 'node:fs';
import { watchCpu } from '../../../measure/cpu.ts';
import type { Asked, Clients } from './clients.ts';
import type { Gateway } from './gateway.ts';

/** Above it, others used so much of the machine that a window is called noisy. */
const FOREIGN_SHARE_MAX = 0.1;
const NANOS_PER_MICRO = 1_000;

export interface WindowSample {
  readonly requests: number;
  /** CPU microseconds of the gateway a request took: of all its threads, and of that of requests. NaN where the kernel keeps no account. */
  readonly micros: number;
  readonly requestThreadMicros: number;
  readonly elapsedMs: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** What the gateway counted meanwhile: requests of known clients, claims of others that changed its table, claims of its own. */
  readonly lookups: number;
  readonly merged: number;
  readonly emitted: number;
  readonly isNoisy: boolean;
}

interface WindowOrder {
  readonly gateway: Gateway;
  readonly clients: Clients;
  readonly asked: Asked;
  readonly requests: number;
  /** Processes of this run that are not strangers either. */
  readonly others: readonly number[];
}

/** The first thread of a process serves its requests. */
function requestThreadMicros(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ', 1)[0]) / NANOS_PER_MICRO;
  } catch {
    return Number.NaN;
  }
}

export async function runWindow({ gateway, clients, asked, requests, others }: WindowOrder): Promise<WindowSample> {
  const before = await gateway.scrape();
  const threadBefore = requestThreadMicros(gateway.pid);
  const end = watchCpu([{ name: 'gateway', pid: gateway.pid }, ...others.map((pid) => ({ name: 'others', pid }))]);
  const from = performance.now();
  const statuses = await clients.send(asked, requests);
  const elapsedMs = performance.now() - from;
  const { micros, foreignShare } = end();
  const thread = requestThreadMicros(gateway.pid) - threadBefore;
  const after = await gateway.scrape();
  const counted = (name: string): number => after.total(name) - before.total(name);
  return {
    ...{ requests, elapsedMs, statuses, isNoisy: foreignShare > FOREIGN_SHARE_MAX },
    micros: (micros['gateway'] ?? 0) / requests,
    requestThreadMicros: thread / requests,
    lookups: counted('mesh_score_lookups_total'),
    merged: counted('mesh_claims_received_total'),
    emitted: counted('mesh_claims_emitted_total'),
  };
}

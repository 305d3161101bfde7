import { LIMITS } from '@macronode/contracts';
import type { Claim } from '@macronode/mesh';
import { MetricsRegistry } from '@macronode/metrics';
import { beforeEach, describe, expect, it } from 'vitest';
import { gatewayMetrics } from '../metrics.ts';
import { ClientGate, type ClientPolicy } from './client-gate.ts';

const A = '192.0.2.1';
const REFUSALS = LIMITS.gateway_cut_refusals.value;
const WINDOW_MS = LIMITS.gateway_cut_window_ms.value;
const POLICY: ClientPolicy = {
  requestsPerSecond: 10,
  requestBurst: 20,
  malformedPerSecond: 5,
  cutMs: 3_000,
  tarpitMs: 0,
};

let now: number;
let told: Claim[];
let registry: MetricsRegistry;

function gateWith(policy: Partial<ClientPolicy> = {}, bound?: number): ClientGate {
  registry = new MetricsRegistry();
  return new ClientGate({
    policy: { ...POLICY, ...policy },
    metrics: registry.scope({ service: 'gateway' }).bind(gatewayMetrics),
    tell: (claim) => told.push(claim),
    now: () => now,
    ...(bound !== undefined && { bound }),
  });
}

const metric = async (series: string): Promise<number> => {
  const line = (await registry.render()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
};
/** Uses up a share and every refusal before a cut. */
const storm = (gate: ClientGate, address = A): void => {
  for (let n = 0; n < POLICY.requestBurst + REFUSALS - 1; n += 1) gate.judge(address);
};
const reasonOf = (gate: ClientGate, address = A): string | undefined => gate.judge(address)?.error.reason;

beforeEach(() => {
  now = 1_000;
  told = [];
});

describe('the share of an address', () => {
  it('lets its burst in, refuses the next with quota and when to ask again, and lets one in for each token', () => {
    const gate = gateWith();
    for (let n = 0; n < POLICY.requestBurst; n += 1) expect(gate.judge(A)).toBeUndefined();
    expect(gate.judge(A)).toMatchObject({ cut: false, holdMs: 0, error: { code: 'quota', retryAfterMs: 1_000 } });
    expect(reasonOf(gate)).toBe('client_rate');
    now += 100;
    expect(gate.judge(A)).toBeUndefined();
    expect(reasonOf(gate)).toBe('client_rate');
    expect(told).toEqual([]);
  });

  it('is nobody else’s', () => {
    const gate = gateWith();
    storm(gate);
    expect(reasonOf(gate)).toBe('client_cut');
    expect(gate.judge('192.0.2.2')).toBeUndefined();
  });

  it('does not exist at a rate of 0, and then nobody is remembered', async () => {
    const gate = gateWith({ requestsPerSecond: 0 });
    for (let n = 0; n < 1_000; n += 1) expect(gate.judge(A)).toBeUndefined();
    expect(await metric('gateway_tracked_clients{service="gateway"}')).toBe(0);
  });
});

describe('a client that does not stop', () => {
  it('is cut, told when it may come back, and let in again after that', async () => {
    const gate = gateWith();
    storm(gate);
    expect(told).toEqual([]);
    expect(gate.judge(A)).toMatchObject({ cut: true, error: { code: 'quota', retryAfterMs: POLICY.cutMs } });
    now += 1_000;
    expect(gate.judge(A)).toMatchObject({ cut: true, error: { reason: 'client_cut', retryAfterMs: 2_000 } });
    now += 2_000;
    expect(gate.judge(A)).toBeUndefined();
    expect(await metric('gateway_client_cuts_total{service="gateway",reason="quota_storm"}')).toBe(1);
  });

  it('is told of once, whatever it goes on to send, and again a minute later', () => {
    const gate = gateWith();
    const claim = { kind: 'rate_saturation', subject: A, score: 0.8, reason: 'quota_storm', ttlS: 3_600 };
    for (let cut = 0; cut < 5; cut += 1) {
      storm(gate);
      expect(reasonOf(gate)).toBe('client_cut');
      now += POLICY.cutMs;
    }
    expect(told).toEqual([claim]);
    now = 1_000 + LIMITS.gateway_claim_interval_ms.value;
    storm(gate);
    expect(reasonOf(gate)).toBe('client_cut');
    expect(told).toEqual([claim, claim]);
  });

  it('is not cut for refusals that are further apart', () => {
    const gate = gateWith({ requestsPerSecond: 1, requestBurst: 1 });
    for (let n = 0; n < REFUSALS * 3; n += 1) {
      expect(reasonOf(gate)).not.toBe('client_cut');
      now += WINDOW_MS / (REFUSALS - 2);
    }
    expect(told).toEqual([]);
  });

  it('and comes on after an answer was held back is told of as such', () => {
    const gate = gateWith({ tarpitMs: 500 });
    storm(gate);
    const first = gate.judge(A);
    expect(first?.holdMs).toBe(500);
    // What was on its way meanwhile did not know.
    gate.judge(A);
    expect(told.map(({ reason }) => reason)).toEqual(['quota_storm']);
    now += 500;
    first?.released();
    gate.judge(A);
    gate.judge(A);
    expect(told.slice(1)).toEqual([{ kind: 'waf_reputation', subject: A, score: 1, reason: 'tarpit', ttlS: 3_600 }]);
  });
});

describe('malformed requests', () => {
  it('cut their client when they do not stop, also where no share is set', async () => {
    const gate = gateWith({ requestsPerSecond: 0 });
    const most = POLICY.malformedPerSecond + REFUSALS - 1;
    for (let n = 0; n < most; n += 1) gate.malformed(A);
    expect(gate.judge(A)).toBeUndefined();
    gate.malformed(A);
    expect(reasonOf(gate)).toBe('client_cut');
    expect(told).toEqual([{ kind: 'waf_reputation', subject: A, score: 0.9, reason: 'malformed_flood', ttlS: 3_600 }]);
    expect(await metric('gateway_client_cuts_total{service="gateway",reason="malformed_flood"}')).toBe(1);
  });

  it('are not counted at a rate of 0', () => {
    const gate = gateWith({ malformedPerSecond: 0 });
    for (let n = 0; n < 1_000; n += 1) gate.malformed(A);
    expect(gate.judge(A)).toBeUndefined();
  });
});

it('forgets the longest idle where there is room for no more', async () => {
  const gate = gateWith({}, 2);
  storm(gate, 'a');
  storm(gate, 'b');
  expect(reasonOf(gate, 'a')).toBe('client_cut');
  gate.judge('c');
  expect(await metric('gateway_clients_forgotten_total{service="gateway"}')).toBe(1);
  expect(await metric('gateway_tracked_clients{service="gateway"}')).toBe(2);
  expect(reasonOf(gate, 'a')).toBe('client_cut');
  expect(gate.judge('b')).toBeUndefined();
});

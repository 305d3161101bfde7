// The load of scenarios about the registry: readers at a fixed rate, and signers who commit one version after another.
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import { poll } from '../poll.ts';
import type { Answer, Client } from '../rig/client.ts';
import { descriptors, RegistryDriver, RegistryRefused } from '../rig/registry-driver.ts';
import type { SignerGroup } from '../rig/registry-signers.ts';
import type { AnyLoad } from './any-load.ts';
import type { LogKind, Sample } from './observation.ts';

/** Reads a second. */
export const READS_PER_SECOND = 40;
/** A version is begun this often, or when the one before is done: a log has one head. */
export const ROUND_MS = 400;
/** Ten arrivals and all over again. */
const ROUND: readonly LogKind[] = [
  ...(['log_head', 'log_version', 'log_head', 'log_head', 'log_version'] as const),
  ...(['log_head', 'log_page', 'log_head', 'log_version', 'log_head'] as const),
];
/** Longer than any deadline of a node. */
const TIMEOUT_MS = 20_000;
const OUTSTANDING_MAX = 4_000;
const TICK_MS = 10;
const SEEDED = 8;
const PAYLOAD_BYTES = 1_024;
const PAGE = 20;
const AUDITED_AT_ONCE = 8;

interface Governed {
  signers: SignerGroup;
}

export class LogLoad implements AnyLoad {
  readonly samples: Sample[] = [];
  readonly driver: RegistryDriver;
  /** How many of a quorum approve; fewer than it takes and nothing can be committed. */
  approving = Number.POSITIVE_INFINITY;
  /** Ms between the beginnings of two versions; 0 begins one as soon as the one before is done. */
  everyMs = ROUND_MS;
  readonly #node: Governed;
  /** Acknowledged versions, with the hash they were acknowledged with. */
  readonly #acknowledged = new Map<number, string>();
  readonly #findings = new Map<string, number>();
  #tag = '';
  #outstanding = 0;
  #startedAt = performance.now();
  #over = false;
  #held = false;
  #round = 0;
  #turn = 0;
  #loops: Promise<unknown> = Promise.resolve();
  #underWay: Promise<void> = Promise.resolve();

  constructor(url: string, node: Governed) {
    this.#node = node;
    this.driver = new RegistryDriver(url, node.signers, { timeoutMs: TIMEOUT_MS, socketsMax: Infinity });
  }

  get client(): Client {
    return this.driver.client;
  }

  get now(): number {
    return performance.now() - this.#startedAt;
  }

  get book() {
    const findings = [...this.#findings].map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`));
    return { repeated: 0, findings };
  }

  /** The newest version that was acknowledged. */
  get acknowledged(): number {
    return Math.max(0, ...this.#acknowledged.keys());
  }

  async seed(): Promise<void> {
    for (let i = 0; i < SEEDED; i += 1) await this.#commitOne();
    this.samples.length = 0;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#loops = Promise.all([this.#arrive(), this.#govern()]);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#loops;
    await poll('the last requests', 2 * TIMEOUT_MS, () => this.#outstanding === 0);
  }

  /** The version under way comes to its end, and none is begun until `release`: for who governs the log by other hands. */
  async hold(): Promise<void> {
    this.#held = true;
    await this.#underWay;
    this.driver.forget();
  }

  release(): void {
    this.driver.forget();
    this.#held = false;
  }

  async holding(work: () => void | Promise<void>): Promise<void> {
    await this.hold();
    try {
      await work();
    } finally {
      this.release();
    }
  }

  /** From here on these sign; those before are gone. */
  govern(group: SignerGroup): void {
    this.driver.group = group;
    this.#node.signers = group;
  }

  async #arrive(): Promise<void> {
    let sent = 0;
    while (!this.#over) {
      const due = Math.floor((this.now / 1_000) * READS_PER_SECOND);
      for (; sent < due && this.#outstanding < OUTSTANDING_MAX; sent += 1) void this.#read();
      await delay(TICK_MS);
    }
  }

  async #govern(): Promise<void> {
    for (let due = this.now; !this.#over; due = Math.max(due + this.everyMs, this.now)) {
      await delay(Math.max(0, due - this.now));
      if (this.#held || this.#over) continue;
      this.#underWay = this.#commitOne().catch((error: unknown) => {
        this.driver.forget();
        if (!(error instanceof RegistryRefused)) this.#found(String(error));
      });
      await this.#underWay;
    }
  }

  async #read(): Promise<void> {
    const kind = ROUND[this.#turn++ % ROUND.length] ?? 'log_head';
    this.#outstanding += 1;
    try {
      const at = this.now;
      const answer = await this.#ask(kind);
      const { status, retryAfter, isWhole } = answer;
      this.samples.push({ kind, at, ms: this.now - at, status, retryAfter, isWhole });
      if (status === 200 && isWhole) this.#check(kind, answer);
    } finally {
      this.#outstanding -= 1;
    }
  }

  /** Half of the readers of the head have seen one before. */
  #ask(kind: LogKind): Promise<Answer> {
    if (kind === 'log_version') return this.client.ask(ROUTES.registryEntry, { at: String(this.#anyVersion()) });
    if (kind === 'log_page') {
      const route = { ...ROUTES.registryLog, template: `${ROUTES.registryLog.template}?limit=${PAGE}` };
      return this.client.ask(route);
    }
    const known = this.#turn % 2 === 0 && this.#tag !== '';
    return this.client.ask(ROUTES.registryHead, known ? { headers: { 'If-None-Match': this.#tag } } : {});
  }

  #anyVersion(): number {
    return 1 + Math.floor(Math.random() * this.acknowledged);
  }

  /** A version is what it was acknowledged as; the head is at most one commit behind whoever was answered. */
  #check(kind: LogKind, { body }: Answer): void {
    if (kind === 'log_page') return;
    const { version, entry_b3, leaf } = JSON.parse(body.toString()) as {
      version?: number;
      entry_b3: string;
      leaf?: { version: number };
    };
    const asked = version ?? leaf?.version ?? 0;
    if (kind === 'log_head') this.#tag = `"v${asked}-${entry_b3.slice(3, 11)}"`;
    const known = this.#acknowledged.get(asked);
    if (known !== undefined && known !== entry_b3) this.#found('a version is another than the one acknowledged');
  }

  async #commitOne(): Promise<void> {
    const label = `chaos-${process.pid}-${(this.#round += 1)}`;
    const payload = await this.#looking(() =>
      this.driver.payload({ kind: 'set', items: [...descriptors(label, PAYLOAD_BYTES)] }),
    );
    const quorum = this.driver.group.quorum(this.#round);
    const [speaker] = quorum;
    if (speaker === undefined) throw new Error('a log without signers');
    const { proposal_id: id } = await this.#timed('propose', () => this.driver.propose(payload, speaker));
    const approving = quorum.slice(0, this.approving);
    await Promise.all(approving.map((one) => this.#timed('approve', () => this.driver.approve(id, one))));
    const { version, entry_b3 } = await this.#timed('commit', () => this.driver.commit(id, speaker));
    this.#acknowledged.set(version, entry_b3);
  }

  /** What it looks up before a proposal is a read like any other. */
  async #looking<T>(work: () => Promise<T>): Promise<T> {
    const at = this.now;
    try {
      return await work();
    } catch (error) {
      if (error instanceof RegistryRefused) this.#failed('log_head', at, error);
      throw error;
    }
  }

  async #timed<T>(kind: LogKind, work: () => Promise<T>): Promise<T> {
    const at = this.now;
    try {
      const result = await work();
      this.samples.push({ kind, at, ms: this.now - at, status: 200, retryAfter: '', isWhole: true });
      return result;
    } catch (error) {
      if (error instanceof RegistryRefused) this.#failed(kind, at, error);
      throw error;
    }
  }

  #failed(kind: LogKind, at: number, { status, retryAfter, isWhole }: RegistryRefused): void {
    this.samples.push({ kind, at, ms: this.now - at, status, retryAfter, isWhole });
  }

  #found(what: string): void {
    this.#findings.set(what, (this.#findings.get(what) ?? 0) + 1);
  }

  /** Every acknowledged version as it was, and a head that is none before them. */
  async audit(): Promise<number> {
    let lost = 0;
    const left = [...this.#acknowledged];
    const work = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [version, hash] = next;
        const entry = await this.driver.entry(version).catch(() => undefined);
        if (entry?.entry_b3 !== hash) lost += 1;
      }
    };
    await Promise.all(Array.from({ length: AUDITED_AT_ONCE }, work));
    const { version } = await this.driver.head();
    if (version < this.acknowledged) this.#found(`the head is ${version}, and ${this.acknowledged} was acknowledged`);
    return lost;
  }
}

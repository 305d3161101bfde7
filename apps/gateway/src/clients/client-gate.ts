import { LIMITS, ServiceError } from '@macronode/contracts';
import type { Claim } from '@macronode/mesh';
import type { GatewayMetrics } from '../metrics.ts';
import type { Client, ClientRates, CutReason, ToldKind } from './client.ts';
import { ClientTable } from './client-table.ts';

export interface ClientPolicy extends ClientRates {
  /** How long a client stays cut, in ms. */
  readonly cutMs: number;
  /** How long the refusals of one that is cut are held back, in ms; 0: not at all. */
  readonly tarpitMs: number;
}

/** Why a request is not let in. */
export interface Refusal {
  readonly error: ServiceError;
  /** Its client is cut: the connection ends with the answer. */
  readonly cut: boolean;
  /** How long the answer is held back, in ms. */
  readonly holdMs: number;
  /** Told when it has been held back for all of that time. */
  released(): void;
}

type Said = Pick<Claim, 'reason' | 'score'> & { readonly kind: ToldKind };

/** What other gateways are told of a client that is cut, and of one that was held back and comes on. */
const CLAIMS: Readonly<Record<CutReason | 'tarpit', Said>> = Object.freeze({
  quota_storm: { kind: 'rate_saturation', reason: 'quota_storm', score: 0.8 },
  malformed_flood: { kind: 'waf_reputation', reason: 'malformed_flood', score: 0.9 },
  tarpit: { kind: 'waf_reputation', reason: 'tarpit', score: 1 },
});

/** A rate is a whole number of requests a second, so that a token comes back within one. */
const TOKEN_MS = 1_000;

interface GateOptions {
  readonly policy: ClientPolicy;
  readonly metrics: GatewayMetrics;
  /** Tells other gateways; never waits. */
  readonly tell: (claim: Claim) => void;
  /** Monotonic, in ms. */
  readonly now?: () => number;
  /** Addresses counted at a time. */
  readonly bound?: number;
}

/**
 * A share of requests for each address, whoever asks. A client over it is refused; one that does not stop is cut for a while,
 * and other gateways are told. Malformed requests are answered as ever and cut their client all the same.
 */
export class ClientGate {
  readonly #policy: ClientPolicy;
  readonly #metrics: GatewayMetrics;
  readonly #tell: (claim: Claim) => void;
  readonly #now: () => number;
  readonly #table: ClientTable;

  constructor({ policy, metrics, tell, now, bound }: GateOptions) {
    this.#policy = policy;
    this.#metrics = metrics;
    this.#tell = tell;
    this.#now = now ?? (() => performance.now());
    this.#table = new ClientTable(policy, bound ?? LIMITS.gateway_clients.value, () => metrics.clientsForgotten.inc());
    metrics.clientsTracked.collect(() => this.#table.size);
  }

  /** Judges a request before anything of it is read; undefined lets it in. */
  judge(address: string): Refusal | undefined {
    const now = this.#now();
    // Without a share of requests only those are known that have sent a malformed one.
    const counted = this.#policy.requestsPerSecond > 0;
    const client = counted ? this.#table.of(address, now) : this.#table.find(address);
    if (client === undefined) return undefined;
    if (client.cutForMs(now) > 0) return this.#refuseCut(client, now);
    if (client.mayAsk(now)) return undefined;
    if (client.strike('quota_storm', now)) {
      this.#cut(client, 'quota_storm', now);
      return this.#refuseCut(client, now);
    }
    const error = new ServiceError('quota', 'There are too many requests from your address.', {
      reason: 'client_rate',
      retryAfterMs: TOKEN_MS,
    });
    return { error, cut: false, holdMs: 0, released: () => undefined };
  }

  /** Counts a request that could not be understood. */
  malformed(address: string): void {
    if (this.#policy.malformedPerSecond === 0) return;
    const now = this.#now();
    const client = this.#table.of(address, now);
    if (client.cutForMs(now) > 0 || client.mayErr(now)) return;
    if (client.strike('malformed_flood', now)) this.#cut(client, 'malformed_flood', now);
  }

  #cut(client: Client, reason: CutReason, now: number): void {
    client.cut(now + this.#policy.cutMs);
    this.#metrics.clientCuts.inc({ reason });
    this.#say(client, CLAIMS[reason], now);
  }

  #refuseCut(client: Client, now: number): Refusal {
    if (client.tarpitted) this.#say(client, CLAIMS.tarpit, now);
    const error = new ServiceError(
      'quota',
      'Your address is cut off for a while: it did not stop when it was told to.',
      {
        reason: 'client_cut',
        retryAfterMs: client.cutForMs(now),
      },
    );
    return { error, cut: true, holdMs: this.#policy.tarpitMs, released: () => client.released() };
  }

  #say(client: Client, said: Said, now: number): void {
    if (!client.mayTell(said.kind, now)) return;
    this.#tell({ ...said, subject: client.address, ttlS: LIMITS.gateway_claim_ttl_s.value });
  }
}

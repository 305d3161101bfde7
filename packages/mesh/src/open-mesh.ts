import { NodeKey } from '@macronode/keys';
import type { CounterCell, MetricsScope } from '@macronode/metrics';
import type { Claim, ClaimKind } from './claims/claim.ts';
import { Standings } from './claims/standings.ts';
import { CommandQueue } from './command-queue.ts';
import { TrustList } from './identity/trust-list.ts';
import type { ClaimReport, Mesh, PeerReport, Standing, TrustReload } from './mesh.ts';
import { MESH_LIMITS, type MeshLimits } from './mesh-limits.ts';
import { MeshQuestions } from './mesh-questions.ts';
import { MeshThreadHost } from './mesh-thread-host.ts';
import type { FromMeshThread, MeshAuditOptions, MeshClaimEvent, MeshRound } from './mesh-thread-protocol.ts';
import { type MeshMetrics, type NetworkPlace, showMesh } from './show-mesh.ts';

/** Ms between two looks at the clock for the standings. */
const TICK_MS = 1_000;
const AGENT = 'macronode-mesh/1';

/** What is told of the rounds of a mesh. */
export interface MeshTrace {
  readonly rounds: readonly MeshRound[];
  /** At most 1,024 a second. */
  readonly claims: readonly MeshClaimEvent[];
  /** Claims beyond that. */
  readonly lost: number;
}

export interface MeshOptions {
  /** Where the metrics of the mesh are shown; see {@link showMesh}. */
  readonly scope: MetricsScope;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** The node's key (PEM, mode 0600), made on the first start; without it the node has another key at each start. */
  readonly keyFile?: string | undefined;
  /** The nodes whose claims are believed, a line each. */
  readonly trustFile: string;
  /** Where peers connect; port 0 is one the system chooses. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Peers to keep connections with: `host:port`, `[ipv6]:port` or multiaddrs. */
  readonly peers: readonly string[];
  readonly limits?: Partial<MeshLimits> | undefined;
  /** Without it nothing is written, and nothing waits to be. */
  readonly audit?: MeshAuditOptions | undefined;
  /** `rounds`: a summary of each comparison with a peer. `claims`: what became of each envelope too. */
  readonly tracing?: { readonly level: 'rounds' | 'claims'; readonly trace: (trace: MeshTrace) => void } | undefined;
  /** What the node says it is, to its peers. Default: `macronode-mesh/1`. */
  readonly agent?: string | undefined;
}

/**
 * Starts a node of the mesh in a thread of its own. Throws KeyFileError or TrustListError for a file that is damaged,
 * TooManyNetworks, and MeshStartError where the thread does not start; then nothing is left behind.
 */
export async function openMesh(options: MeshOptions): Promise<OpenMesh> {
  const key = options.keyFile === undefined ? NodeKey.ephemeral() : NodeKey.loadOrCreate(options.keyFile);
  const limits = Object.freeze({ ...MESH_LIMITS, ...options.limits });
  // Read here too: a damaged list is an error of this call, not of a thread that is started over and over.
  TrustList.read(options.trustFile, limits);
  const mesh = new OpenMesh(options, key, limits);
  await mesh.start();
  return mesh;
}

/** The mesh as the thread of requests holds it. */
export class OpenMesh implements Mesh {
  readonly nodeId: string;
  readonly #options: MeshOptions;
  readonly #metrics: MeshMetrics;
  readonly #place: NetworkPlace;
  readonly #standings: Standings;
  readonly #queue: CommandQueue;
  readonly #questions: MeshQuestions;
  readonly #host: MeshThreadHost;
  readonly #lookups: CounterCell;
  readonly #emitted: CounterCell;
  readonly #ticking: NodeJS.Timeout;
  #claims = 0;
  #auditQueued = 0;
  #listen: readonly string[] = [];

  /** @internal {@link openMesh} makes one. */
  constructor(options: MeshOptions, key: NodeKey, limits: MeshLimits) {
    this.nodeId = key.publicKeyHex;
    this.#options = options;
    this.#metrics = showMesh(options.scope);
    const { counters } = this.#metrics;
    [this.#lookups, this.#emitted] = [counters.scoreLookups, counters.claimsEmitted];
    this.#standings = new Standings(limits, Date.now());
    this.#queue = new CommandQueue({
      limit: limits.commands,
      dropped: (reason, commands) => counters.commandsDropped.inc({ reason }, commands),
    });
    this.#questions = new MeshQuestions((message) => this.#host.post(message), limits);
    this.#place = this.#metrics.join({
      claims: () => this.#claims,
      subjects: () => this.#standings.size,
      queued: () => this.#queue.outstanding,
      auditQueued: () => this.#auditQueued,
    });
    this.#host = this.#thread(key, limits);
    this.#ticking = setInterval(() => this.#standings.tick(Date.now()), TICK_MS);
    this.#ticking.unref();
  }

  /** @internal */
  async start(): Promise<void> {
    try {
      await this.#host.start();
    } catch (error) {
      this.#left();
      throw error;
    }
  }

  get running(): boolean {
    return this.#host.running;
  }

  get listen(): readonly string[] {
    return this.#listen;
  }

  get table(): { readonly claims: number; readonly subjects: number } {
    return { claims: this.#claims, subjects: this.#standings.size };
  }

  lookup(address: string): Standing | undefined {
    const standing = this.#standings.lookup(address);
    if (standing !== undefined) this.#lookups.inc();
    return standing;
  }

  publish(claim: Claim): boolean {
    const taken = this.#queue.push({ kind: 'publish', claim });
    if (taken) this.#emitted.inc();
    return taken;
  }

  revoke(kind: ClaimKind, subject: string): boolean {
    const taken = this.#queue.push({ kind: 'revoke', claimKind: kind, subject });
    if (taken) this.#emitted.inc();
    return taken;
  }

  decided(decision: 'deny' | 'too_few_sources' | 'lifted', address: string, standing: Standing): void {
    this.#metrics.counters.quorumDecisions.inc({ decision });
    if (this.#options.audit === undefined) return;
    const { score, sources } = standing;
    this.#queue.push({ kind: 'decided', decision, address, score, sources });
  }

  /** Rejects with MeshUnavailable where the mesh thread does not answer within `questionMs`. */
  async peers(): Promise<readonly PeerReport[]> {
    return (await this.#questions.ask({ kind: 'peers' })) as readonly PeerReport[];
  }

  /** Rejects with MeshUnavailable, as {@link peers} does. */
  async claims(query: {
    readonly subject?: string | undefined;
    readonly limit: number;
  }): Promise<readonly ClaimReport[]> {
    return (await this.#questions.ask({ kind: 'claims', ...query })) as readonly ClaimReport[];
  }

  /** Rejects with MeshUnavailable, as {@link peers} does. */
  async reload(): Promise<TrustReload> {
    return (await this.#questions.ask({ kind: 'reload' })) as TrustReload;
  }

  /** Takes no more commands, does those it has, and ends the thread; within `threadStopMs`. */
  async close(): Promise<void> {
    this.#queue.closed();
    await this.#host.close();
    this.#left();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #thread(key: NodeKey, limits: MeshLimits): MeshThreadHost {
    const { trustFile, listen, peers, audit, tracing, agent = AGENT } = this.#options;
    const { counters, gossipsub } = this.#place;
    return new MeshThreadHost({
      data: {
        seed: key.seed(),
        trustFile,
        listen,
        peers,
        limits,
        counters,
        gossipsub,
        audit,
        tracing: tracing?.level ?? 'off',
        agent,
      },
      restarts: this.#metrics.counters.workerRestarts,
      message: (message) => this.#received(message),
      ready: (listen) => this.#ready(listen),
      ended: (problem) => this.#ended(problem),
    });
  }

  #ready(listen: readonly string[]): void {
    this.#listen = listen;
    this.#metrics.slots.started(this.#place.slot);
    this.#queue.opened((commands) => this.#host.post({ kind: 'commands', commands }));
  }

  /** What is known of clients stays: it fades by itself, and the next thread hears of it from the peers. */
  #ended(problem: string | undefined): void {
    this.#queue.lost();
    this.#questions.lost();
    this.#metrics.slots.clear(this.#place.slot);
    this.#claims = 0;
    this.#auditQueued = 0;
    if (problem !== undefined) this.#options.log('warn', `the mesh thread is gone: ${problem}`);
  }

  #left(): void {
    clearInterval(this.#ticking);
    this.#queue.lost();
    this.#questions.lost();
    this.#place.leave();
  }

  #received(message: FromMeshThread): void {
    switch (message.kind) {
      case 'taken':
        return this.#queue.taken(message.commands);
      case 'deltas':
        return this.#standings.apply(message.deltas);
      case 'sample':
        this.#claims = message.claims;
        this.#auditQueued = message.auditQueued;
        return this.#metrics.slots.set(this.#place.slot, message.sample);
      case 'answer':
        return this.#questions.answered(message.id, message.answer);
      case 'refused':
        return this.#questions.refused(message.id, message.message);
      case 'trace':
        return this.#options.tracing?.trace(message);
      case 'log':
        return this.#options.log(message.level, message.message);
      // The two are told once, to whoever started the thread.
      case 'ready':
      case 'failed':
        return undefined;
    }
  }
}

import { NodeKey } from '@macronode/keys';
import { bindLane } from '@macronode/metrics';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Envelope } from '../claims/claim.ts';
import type { Received } from '../claims/claim-gates.ts';
import { gossipsubMetrics } from '../gossipsub-metrics.ts';
import { TrustList } from '../identity/trust-list.ts';
import type { TrustReload } from '../mesh.ts';
import type {
  FromMeshThread,
  MeshAnswer,
  MeshCommand,
  MeshQuestion,
  MeshThreadData,
  ToMeshThread,
} from '../mesh-thread-protocol.ts';
import { type MeshCounters, meshCounters } from '../metrics.ts';
import { TraceBuffer } from '../trace-buffer.ts';
import { GossipsubRegister } from './gossipsub-register.ts';
import { MeshAudit } from './mesh-audit.ts';
import { MeshNode, type MeshNodeHooks } from './mesh-node.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The mesh in its own thread: a node, and what goes between it and the thread of requests. */
class MeshThread {
  readonly #port: MessagePort;
  readonly #data: MeshThreadData;
  readonly #trust: TrustList;
  readonly #counters: MeshCounters;
  readonly #register: GossipsubRegister;
  readonly #audit: MeshAudit | undefined;
  readonly #trace: TraceBuffer | undefined;
  #node: MeshNode | undefined;
  #deltas: NodeJS.Timeout | undefined;

  private constructor(port: MessagePort, data: MeshThreadData, counters: MeshCounters, audit: MeshAudit | undefined) {
    this.#port = port;
    this.#data = data;
    this.#counters = counters;
    this.#audit = audit;
    this.#trust = TrustList.read(data.trustFile, data.limits);
    this.#register = new GossipsubRegister(bindLane(gossipsubMetrics, data.gossipsub.buffer, data.gossipsub.lane));
    this.#trace =
      data.tracing === 'off'
        ? undefined
        : new TraceBuffer(data.tracing, (trace) => this.#tell({ kind: 'trace', ...trace }));
  }

  static async start(port: MessagePort, data: MeshThreadData): Promise<MeshThread> {
    const counters = bindLane(meshCounters, data.counters.buffer, data.counters.lane);
    const log = (level: 'info' | 'warn', message: string): void =>
      port.postMessage({ kind: 'log', level, message } satisfies FromMeshThread);
    const audit = data.audit && (await MeshAudit.open(data.audit, data.limits, counters, log));
    try {
      const thread = new MeshThread(port, data, counters, audit);
      await thread.#start();
      return thread;
    } catch (error) {
      await audit?.close();
      throw error;
    }
  }

  receive(message: ToMeshThread): void {
    if (message.kind === 'commands') this.#run(message.commands);
    else if (message.kind === 'ask') void this.#answer(message.id, message.question);
    else void this.#close();
  }

  async #start(): Promise<void> {
    const { seed, listen, peers, limits, agent } = this.#data;
    this.#node = await MeshNode.start({
      key: NodeKey.fromSeed(seed),
      trust: this.#trust,
      listen,
      peers,
      limits,
      agent,
      counters: this.#counters,
      register: this.#register,
      hooks: this.#hooks(),
    });
    this.#tell({ kind: 'ready', addresses: this.#node.addresses.map(String) });
  }

  #hooks(): MeshNodeHooks {
    const audit = this.#audit;
    const trace = this.#trace;
    return {
      sample: (sample) =>
        this.#tell({ kind: 'sample', sample, claims: this.#node?.table.size ?? 0, auditQueued: audit?.queued ?? 0 }),
      failed: (what, error) => this.#warn(`${what}: ${messageOf(error)}`),
      received: (received) => this.#received(received),
      published: (envelope) => this.#published(envelope),
      tick: () => {
        this.#changed();
        trace?.flush();
      },
      ...(trace && { round: (round, client, connected) => trace.round(round, client, connected) }),
      ...(audit && {
        joined: (peer) => audit.joined(peer),
        dropped: (peer, reason) => audit.dropped(peer, reason),
      }),
    };
  }

  #received(received: Received): void {
    const { outcome, envelope } = received;
    if (outcome === 'merged' && envelope !== undefined) {
      this.#changed();
      this.#audit?.received(envelope);
    }
    this.#trace?.claim(outcome, envelope);
  }

  #published(envelope: Envelope): void {
    this.#changed();
    this.#audit?.published(envelope);
    this.#trace?.claim('published', envelope);
  }

  /** Scores may have changed: tells of it soon, together with what changes until then. */
  #changed(): void {
    this.#deltas ??= setTimeout(() => {
      this.#deltas = undefined;
      this.#tellDeltas();
    }, this.#data.limits.deltaMs);
  }

  #tellDeltas(): void {
    const { deltaEntries } = this.#data.limits;
    for (;;) {
      const deltas = this.#node?.table.drain(deltaEntries) ?? [];
      if (deltas.length > 0) this.#tell({ kind: 'deltas', deltas });
      if (deltas.length < deltaEntries) return;
    }
  }

  #run(commands: readonly MeshCommand[]): void {
    for (const command of commands) {
      try {
        this.#do(command);
      } catch (error) {
        this.#warn(`a claim was not published: ${messageOf(error)}`);
      }
    }
    this.#tell({ kind: 'taken', commands: commands.length });
  }

  #do(command: MeshCommand): void {
    switch (command.kind) {
      case 'publish':
        this.#node?.publish(command.claim);
        break;
      case 'revoke':
        this.#node?.revoke(command.claimKind, command.subject);
        break;
      case 'decided':
        this.#audit?.decided(command);
        break;
    }
  }

  async #answer(id: number, question: MeshQuestion): Promise<void> {
    try {
      this.#tell({ kind: 'answer', id, answer: await this.#answerTo(question) });
    } catch (error) {
      this.#tell({ kind: 'refused', id, message: messageOf(error) });
    }
  }

  async #answerTo(question: MeshQuestion): Promise<MeshAnswer> {
    switch (question.kind) {
      case 'peers':
        return this.#node?.peers() ?? [];
      case 'claims':
        return this.#node?.claims(question) ?? [];
      case 'reload':
        return this.#reload();
    }
  }

  async #reload(): Promise<TrustReload> {
    const reload = this.#trust.reload();
    this.#counters.trustReloads.inc({ result: reload.result });
    if (reload.result === 'loaded') {
      await this.#node?.trustChanged();
      this.#changed();
    } else this.#warn(`trust list kept: ${reload.problem ?? ''}`);
    return reload;
  }

  async #close(): Promise<void> {
    await this.#node?.stop();
    clearTimeout(this.#deltas);
    this.#tellDeltas();
    this.#trace?.flush();
    this.#register.clear();
    await this.#audit?.close();
    this.#port.close();
    // What of the network still holds on to the loop has had its time.
    setImmediate(() => process.exit());
  }

  #warn(message: string): void {
    this.#tell({ kind: 'log', level: 'warn', message });
  }

  #tell(message: FromMeshThread): void {
    this.#port.postMessage(message);
  }
}

async function start(port: MessagePort, data: MeshThreadData): Promise<void> {
  try {
    const thread = await MeshThread.start(port, data);
    port.on('message', (message: ToMeshThread) => thread.receive(message));
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    port.postMessage({ kind: 'failed', name, message: messageOf(error) } satisfies FromMeshThread);
    port.close();
  }
}

if (parentPort !== null) await start(parentPort, workerData as MeshThreadData);

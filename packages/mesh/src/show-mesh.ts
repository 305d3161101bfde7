import { Lanes, type MetricsScope } from '@macronode/metrics';
import { ClientGauge } from './client-gauge.ts';
import { gossipsubMetrics } from './gossipsub-metrics.ts';
import { MESH_LIMITS } from './mesh-limits.ts';
import { type MeshCounters, meshCounters, type MeshGauges, meshGauges } from './metrics.ts';
import { PeerSlots } from './peer-slots.ts';

/** Lane of the thread of requests; each network's thread has one of the lanes after it. */
const REQUESTS_LANE = 0;
const MS = 1_000;

export interface NodeInfo {
  /** What `lean_node_info` calls this process. */
  readonly name: string;
  readonly version: string;
}

/** What a network shows beside its peers. */
export interface NetworkFigures {
  /** Claims in the table. */
  claims(): number;
  /** Clients that can be looked up. */
  subjects(): number;
  /** Commands the mesh thread has not taken. */
  queued(): number;
  /** Records the audit log has not written. */
  auditQueued(): number;
}

/** More networks in one process than there are slots for. */
export class TooManyNetworks extends Error {
  override readonly name = 'TooManyNetworks';
  constructor(networks: number) {
    super(`this process has ${networks} mesh networks already`);
  }
}

/** The place of one network among the metrics of its process. */
export interface NetworkPlace {
  readonly slot: number;
  /** Lane of the network's thread in each memory. */
  readonly counters: { readonly buffer: SharedArrayBuffer; readonly lane: number };
  readonly gossipsub: { readonly buffer: SharedArrayBuffer; readonly lane: number };
  /** Gives the place back; its peers and figures are gone at once, its counts stay. */
  leave(): void;
}

/** The metrics of the mesh in one scope: there, and 0, whether or not a mesh runs. */
export class MeshMetrics {
  /** Of the thread of requests. */
  readonly counters: MeshCounters;
  readonly slots = new PeerSlots(MESH_LIMITS.networks);
  readonly #scope: MetricsScope;
  readonly #lanes = Lanes.create(meshCounters, 1 + MESH_LIMITS.networks);
  readonly #gossipsub = Lanes.create(gossipsubMetrics, MESH_LIMITS.networks);
  /** By slot. */
  readonly #figures = new Map<number, NetworkFigures>();
  readonly #meshPeers: ClientGauge;
  readonly #connectedPeers: ClientGauge;
  #hideNetworks: (() => void) | undefined;

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    scope.mount(this.#lanes);
    this.counters = this.#lanes.bind(REQUESTS_LANE);
    const gauges = scope.bind(meshGauges);
    this.#meshPeers = new ClientGauge(gauges.meshPeers);
    this.#connectedPeers = new ClientGauge(gauges.connectedPeers);
    this.#collect(gauges);
  }

  /** Takes a place for a network. Throws {@link TooManyNetworks}. */
  join(figures: NetworkFigures): NetworkPlace {
    const slot = this.slots.take();
    if (slot === undefined) throw new TooManyNetworks(MESH_LIMITS.networks);
    this.#figures.set(slot, figures);
    this.#hideNetworks ??= this.#showNetworks();
    return {
      slot,
      counters: { buffer: this.#lanes.buffer, lane: REQUESTS_LANE + 1 + slot },
      gossipsub: { buffer: this.#gossipsub.buffer, lane: slot },
      leave: () => {
        if (this.#figures.get(slot) !== figures) return;
        this.#figures.delete(slot);
        this.slots.release(slot);
        if (this.#figures.size === 0) this.#hideNetworks?.();
      },
    };
  }

  /** What is there while networks are: gossipsub's own metrics, and the peers at each scrape. */
  #showNetworks(): () => void {
    const unmount = this.#scope.mount(this.#gossipsub);
    const remove = this.#scope.refresher('mesh peers', () => this.#refresh());
    return () => {
      this.#hideNetworks = undefined;
      remove();
      unmount();
      this.#refresh();
    };
  }

  #refresh(): void {
    const samples = [...this.slots.samples()];
    const clients = samples.flatMap((sample) => sample.clients);
    const [meshed, connected] = [samples.map((sample) => sample.meshed), samples.map((sample) => sample.connected)];
    this.#meshPeers.show(meshed, clients);
    this.#connectedPeers.show(connected, clients);
  }

  #collect(gauges: MeshGauges): void {
    const total = (figure: (figures: NetworkFigures) => number): number =>
      [...this.#figures.values()].reduce((sum, figures) => sum + figure(figures), 0);
    gauges.meshRunning.collect(() => this.slots.running);
    gauges.peersAge.collect(() => this.slots.age(performance.now()) / MS);
    gauges.tableClaims.collect(() => total((figures) => figures.claims()));
    gauges.tableSubjects.collect(() => total((figures) => figures.subjects()));
    gauges.queuedCommands.collect(() => total((figures) => figures.queued()));
    gauges.auditQueued.collect(() => total((figures) => figures.auditQueued()));
    gauges.startTime.set(performance.timeOrigin / MS);
  }
}

const shown = new WeakMap<MetricsScope, MeshMetrics>();

/**
 * Shows the metrics of the mesh in a scope: all of them read 0 until a mesh is opened there. Again for the same scope is the
 * same. `info` is what `lean_node_info` says.
 */
export function showMesh(scope: MetricsScope, info?: NodeInfo): MeshMetrics {
  let metrics = shown.get(scope);
  if (metrics === undefined) shown.set(scope, (metrics = new MeshMetrics(scope)));
  if (info !== undefined) scope.bind({ nodeInfo: meshGauges.nodeInfo }).nodeInfo.set(1, { ...info });
  return metrics;
}

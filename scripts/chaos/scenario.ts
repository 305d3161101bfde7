import type { ToxicNetwork } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import type { Mend } from '../rig/mend.ts';
import type { Expectation } from './expectation.ts';
import type { AnyLoad } from './any-load.ts';
import type { Load } from './load.ts';
import type { LogLoad } from './log-load.ts';
import type { NodeKind, Nodes } from './nodes.ts';

/** What a scenario may use beside its node. */
export interface Surroundings<L extends AnyLoad = Load> {
  readonly load: L;
  /** The network between the clients and the gateway, where `far` asks for one. */
  readonly front: ToxicNetwork | undefined;
  /** Says what it found wrong; one finding fails the scenario. */
  readonly find: (what: string) => void;
  /** Says what it measured; it stands in the row of the scenario. */
  readonly note: (what: string) => void;
}

/** The same where the load is of a log. */
export type LogSurroundings = Surroundings<LogLoad>;

/** One way to break a node under load, and what has to hold. */
export interface Scenario<K extends NodeKind = NodeKind> {
  /** snake_case */
  readonly name: string;
  /** What is done, in one sentence. */
  readonly what: string;
  readonly node: K;
  /** Seconds the fault is kept up, whatever making it took. */
  readonly seconds: number;
  /** Seconds of a quick run; default QUICK_SECONDS or `seconds` if that is less. */
  readonly quickSeconds?: number;
  /** Who asks: the users of a node by default; readers and signers of its log, at the gateway or at the registry itself. */
  readonly users?: 'log' | 'log_direct';
  /** Clients are behind a proxy of their own. */
  readonly far?: boolean;
  /** Leaves a node nobody should use again. */
  readonly spoils?: boolean;
  readonly expects: Expectation;
  readonly make: (node: Nodes[K], surroundings: Surroundings) => Promise<Mend>;
  /** Looks at the broken node just before it is mended. */
  readonly during?: (node: Nodes[K], surroundings: Surroundings) => Promise<void>;
  /** Looks at the node once it is well again, when the load is over. */
  readonly after?: (node: Nodes[K], surroundings: Surroundings) => Promise<void>;
}

const QUICK_SECONDS = 3;

export const secondsOf = ({ seconds, quickSeconds }: Scenario, quick: boolean): number =>
  quick ? (quickSeconds ?? Math.min(seconds, QUICK_SECONDS)) : seconds;

/** A scenario on a node of processes without a supervisor. */
export const onProcesses = (scenario: Omit<Scenario<'processes'>, 'node'>): Scenario =>
  ({ ...scenario, node: 'processes' }) as Scenario;
type LogScenario = Omit<Scenario<'processes'>, 'node' | 'make' | 'during'> & {
  readonly make: (node: Nodes['processes'], surroundings: LogSurroundings) => Promise<Mend>;
  readonly during?: (node: Nodes['processes'], surroundings: LogSurroundings) => Promise<void>;
};

/** On such a node, under the load of a log. */
export const onLog = (scenario: LogScenario): Scenario =>
  ({ users: 'log', ...scenario, node: 'processes' }) as unknown as Scenario;
/** On such a node whose wall clock can be set. */
export const onClocked = (scenario: Omit<Scenario<'clocked'>, 'node'>): Scenario =>
  ({ ...scenario, node: 'clocked' }) as Scenario;
export const onSupervised = (scenario: Omit<Scenario<'supervised'>, 'node'>): Scenario =>
  ({ ...scenario, node: 'supervised' }) as Scenario;
export const onSentinel = (scenario: Omit<Scenario<'sentinel'>, 'node'>): Scenario =>
  ({ ...scenario, node: 'sentinel' }) as Scenario;

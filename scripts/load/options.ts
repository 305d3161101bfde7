// The options of npm run load, read once.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSeconds } from '../../k6/lib/seconds.ts';
import type { Wishes } from '../../k6/profiles/profiles.ts';
import { parseReplicas, type PlanOptions } from '../plan.ts';
import { BULK_TOOLS, type BulkTool } from './bulk-output.ts';
import { TARGET_KINDS, type TargetKind } from '../targets.ts';

/** Switches of a node that are there to be measured. */
export const SWITCHES = ['QUOTAS', 'TRACING', 'ACCESS_LOG', 'COMPRESSION'] as const;
export type SwitchName = (typeof SWITCHES)[number];

/** Where the load goes: a node this run starts, or one that runs. */
export type LoadTarget =
  | { readonly kind: TargetKind; readonly replicas: PlanOptions['replicas'] }
  | { readonly kind: 'url'; readonly url: string; readonly ops: Readonly<Record<string, readonly string[]>> };

export interface LoadOptions {
  /** A profile, or `bulk`; undefined for a list of them. */
  readonly what: string | undefined;
  readonly k6Args: readonly string[];
  readonly target: LoadTarget;
  readonly wishes: Wishes;
  readonly token: string | undefined;
  /** File with the keys of the signers of the registry of a node that runs. */
  readonly signers: string | undefined;
  readonly reportDir: string | undefined;
  readonly prometheus: string | undefined;
  readonly toxiproxy: string | undefined;
  readonly without: SwitchName | undefined;
  readonly rounds: number;
  readonly bulk: {
    readonly tool: BulkTool | undefined;
    readonly connections: number;
    readonly seconds: number;
    readonly path: string;
    readonly beside: string | undefined;
  };
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
const ROUNDS = 3;

/** Reads the command line; throws with what is wrong with it. */
export function readOptions(args: readonly string[]): LoadOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      target: { type: 'string' },
      replicas: { type: 'string', default: '' },
      ops: { type: 'string' },
      token: { type: 'string', default: process.env['E2E_TOKEN'] ?? '' },
      signers: { type: 'string', default: process.env['REGISTRY_SIGNERS'] ?? '' },
      rate: { type: 'string' },
      flow: { type: 'string' },
      duration: { type: 'string' },
      far: { type: 'boolean', default: false },
      report: { type: 'string' },
      prometheus: { type: 'string' },
      toxiproxy: { type: 'string', default: process.env['TOXIPROXY_URL'] ?? '' },
      timetable: { type: 'string' },
      without: { type: 'string' },
      rounds: { type: 'string', default: String(ROUNDS) },
      tool: { type: 'string' },
      connections: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '30' },
      path: { type: 'string', default: '' },
      beside: { type: 'string' },
    },
  });
  const [what, ...k6Args] = positionals;
  return {
    what,
    k6Args,
    target: targetOf(values),
    wishes: {
      rate: values.rate === undefined ? undefined : numberOf('--rate', values.rate),
      flows: values.flow?.split(',').map((name) => name.trim()),
      seconds: values.duration === undefined ? undefined : parseSeconds(values.duration),
      region: values.far ? 'far' : 'near',
      timetable: values.timetable === undefined ? undefined : textOf(values.timetable),
    },
    token: orNothing(values.token),
    signers: values.signers === '' ? undefined : resolve(values.signers),
    reportDir: values.report,
    prometheus: values.prometheus?.replace(/\/+$/, ''),
    toxiproxy: orNothing(values.toxiproxy),
    without: values.without === undefined ? undefined : oneOf('--without', SWITCHES, values.without),
    rounds: numberOf('--rounds', values.rounds),
    bulk: {
      tool: values.tool === undefined ? undefined : oneOf('--tool', BULK_TOOLS, values.tool),
      connections: numberOf('--connections', values.connections),
      seconds: numberOf('--seconds', values.seconds),
      path: values.path,
      beside: values.beside,
    },
  };
}

/** What a file holds, or the text itself. */
const textOf = (given: string): string => (existsSync(given) ? readFileSync(given, 'utf8') : given);
const orNothing = (text: string): string | undefined => (text === '' ? undefined : text);

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${flag} ${text}: it is a number above 0`);
  return number;
}

function oneOf<T extends string>(flag: string, known: readonly T[], text: string): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new Error(`${flag} ${text}: it is one of ${known.join(', ')}`);
  return found;
}

function targetOf(values: {
  readonly url?: string | undefined;
  readonly target?: string | undefined;
  readonly replicas: string;
  readonly ops?: string | undefined;
}): LoadTarget {
  if (values.target === undefined) {
    const ops = values.ops === undefined ? {} : (JSON.parse(values.ops) as Record<string, readonly string[]>);
    return { kind: 'url', url: (values.url ?? DEFAULT_URL).replace(/\/+$/, ''), ops };
  }
  if (values.url !== undefined) throw new Error('--target starts a node, --url names one that runs: give one of them');
  return { kind: oneOf('--target', TARGET_KINDS, values.target), replicas: parseReplicas(values.replicas) };
}

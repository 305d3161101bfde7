// The generated pages of docs/, each from the constants the code itself reads.
import { DEFAULT_BUS_LIMITS, DEFAULT_REDIS_BOUNDS, FRAME_LIMITS, redisLinkMetrics } from '@macronode/bus';
import { CONSOLE_LIMITS } from '@macronode/console';
import { ERRORS, LIMITS } from '@macronode/contracts';
import { gossipsubMetrics, MESH_LIMITS } from '@macronode/mesh';
import { micronode } from '@macronode/micronode';
import { describeConfig, nodeDeclarations, startNode, type ConfigRow, TRACING_LIMITS } from '@macronode/service';
import { STORE_LIMITS } from '@macronode/store';
import { type Cell, page, table } from '../grafana/markdown.ts';
import { anchorOf } from '../grafana/runbook/entry.ts';
import { boardsShowing } from '../grafana/shown-on.ts';
import { docstringsOf } from './docstrings.ts';

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** Bounds that a package keeps: where they are declared, their values, and what a full one does. */
const PACKAGE_LIMITS = [
  {
    title: 'Bus',
    intro:
      'One bus, per service and process. At a bound: `BusOverflow` with its gate, counted in `bus_overflow_total{gate}`.',
    file: 'packages/bus/src/bus-limits.ts',
    declaration: 'BusLimits',
    values: DEFAULT_BUS_LIMITS,
  },
  {
    title: 'Mesh',
    intro:
      'One gateway that takes part in it. What a gate stops is counted in `mesh_claims_dropped_total{reason}`; a full queue of commands in `mesh_command_dropped_total`, of the audit log in `audit_events_dropped_total`.',
    file: 'packages/mesh/src/mesh-limits.ts',
    declaration: 'MeshLimits',
    values: MESH_LIMITS,
  },
  {
    title: 'Streams in Redis',
    intro:
      'Checked by the script that appends. A full stream refuses; only hints and dead letters drop their oldest, which is counted.',
    file: 'packages/bus/src/redis/redis-options.ts',
    declaration: 'RedisLinkBounds',
    values: DEFAULT_REDIS_BOUNDS,
  },
  {
    title: 'Frames',
    intro:
      'The format, checked before anything is allocated. Over a bound: `BusPayloadTooLarge` for who sends, `bus_malformed_total` for what arrives.',
    file: 'packages/bus/src/wire/frame.ts',
    declaration: 'FRAME_LIMITS',
    values: FRAME_LIMITS,
  },
  {
    title: 'Store',
    intro: 'The group-commit writer of one embedded store. A full queue refuses with `StoreBusy`.',
    file: 'packages/store/src/store-limits.ts',
    declaration: 'StoreLimits',
    values: STORE_LIMITS,
  },
  {
    title: 'Console',
    intro: 'The page at `/console` of the ops port and what feeds it.',
    file: 'packages/console/src/history/limits.ts',
    declaration: 'CONSOLE_LIMITS',
    values: CONSOLE_LIMITS,
  },
  {
    title: 'Tracing',
    intro:
      'Each service, once `OTEL_EXPORTER_OTLP_ENDPOINT` is set. What is lost at a bound is counted in `trace_spans_dropped_total` and `trace_held_spans_dropped_total`; no request waits.',
    file: 'packages/service/src/tracing/tracing-limits.ts',
    declaration: 'TRACING_LIMITS',
    values: TRACING_LIMITS,
  },
] as const;

const grouped = (value: number): string => value.toLocaleString('en-US');

export function limitsPage(): string {
  const rows = Object.entries(LIMITS).map(([name, { value, unit, reason }]) => [
    code(name),
    grouped(value),
    unit,
    reason,
  ]);
  const sections = PACKAGE_LIMITS.flatMap(({ title, intro, file, declaration, values }) => {
    const meaning = docstringsOf(file, declaration);
    const bounds = Object.entries<number>({ ...values }).map(([name, value]) => [
      code(name),
      grouped(value),
      meaning.get(name) ?? '',
    ]);
    return [`## ${title}`, intro, table(['bound', 'value', 'meaning'], bounds)];
  });
  return page(
    'Limits',
    'Every bound of the public surface and the protocols behind it. Above a bound comes a typed refusal ([errors](errors.md)) and a count in `rejected_total{reason}`, never a silent drop. Those an operator may move are settings: see [config](config.md).',
    table(['limit', 'value', 'unit', 'why'], rows),
    ...sections,
  );
}

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([name, { status, retryable, meaning }]) => [
    code(name),
    status,
    retryable ? 'yes' : 'no',
    meaning,
    `[what to do](runbook.md#${anchorOf(name)})`,
  ]);
  return page(
    'Errors',
    'Every error a caller can see, in one envelope on every surface: `{"error":{"code","message","retryable","corr_id","reason"?,"retry_after_ms"?,"details"?}}`. 429 and 503 carry `Retry-After` in whole seconds. 5xx never say what is inside.',
    table(['code', 'status', 'retryable', 'meaning', 'runbook'], rows),
  );
}

export function configPage(): string {
  const { common, services } = nodeDeclarations(micronode);
  const sections = [common, ...services].map(
    (declaration) =>
      `## ${declaration.owner}\n\n${table(['variable', 'default', 'unit', 'accepts', 'meaning'], describeConfig(declaration).map(configRow))}`,
  );
  return page(
    'Settings',
    'Read once from the environment when a process starts; the same names work as flags (`--drain-timeout-ms 5000`). A wrong or unknown value stops the start with what is wrong. Live values: `config_value{key}` on the ops port. Defaults that differ by profile are those of the micronode.',
    ...sections,
  );
}

function configRow({ env, default: fallback, unit, accepts, help, reason, required }: ConfigRow): readonly Cell[] {
  // The host's own name is the default of the node's; a page must not depend on who wrote it.
  const shown = env === 'NODE_ID' ? 'the host name' : required ? 'required' : code(fallback);
  return [code(env), shown, unit, accepts, reason === '' ? help : `${help} ${reason}`];
}

/** From a running micronode, so that what is listed is what a scrape shows. */
export async function metricsPage(): Promise<string> {
  await using node = await startNode({
    ...micronode,
    env: { PORT: '0', OPS_PORT: '0', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'silent' },
  });
  // This one has no Redis, and takes part in no mesh: what their links count is added.
  const declared = [
    ...node.metrics.declarations(),
    ...Object.values(redisLinkMetrics),
    ...Object.values(gossipsubMetrics),
  ];
  const shownOn = boardsShowing();
  // Both links count some things under one name.
  const rows = [...new Map(declared.map((declaration) => [declaration.name, declaration])).values()].map(
    (declaration) => [
      code(declaration.name),
      declaration.type,
      declaration.unit,
      Object.keys(declaration.labels).map(code).join(' '),
      declaration.help,
      declaration.type === 'histogram' ? `${declaration.buckets.join(' ')}: ${declaration.bucketsReason}` : '',
      shownOn(declaration.name),
    ],
  );
  rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return page(
    'Metrics',
    'Every series of the ops ports. Each also carries `service`. Names end in a unit or in `_total`; labels take values from closed lists, and ids are never labels.',
    table(['metric', 'type', 'unit', 'labels', 'meaning', 'buckets and why', 'shown on'], rows),
  );
}

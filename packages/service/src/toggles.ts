import { type Knob, knob } from './knob.ts';

/** What a measurement may switch off, to see what it costs. Every one is on, and stays on in production. */
export interface Toggles {
  /** Admission is bounded. */
  readonly quotas: boolean;
  readonly tracing: boolean;
  readonly accessLog: boolean;
  /** JSON answers are compressed for who accepts it. */
  readonly compression: boolean;
}

const toggle = (env: string, help: string, refusal: string): Knob<boolean> =>
  knob.bool({
    env,
    default: true,
    help,
    reason: 'For measuring only: with NODE_ENV=production a process that has it off does not start.',
    fixedInProduction: refusal,
  });

/** The switches as settings, by the key `config_value{key}` shows them under; all of them are read by every service. */
export const TOGGLES = Object.freeze({
  quotas: toggle(
    'QUOTAS',
    'The admission gates of the gateway and omnigate (GATEWAY_INFLIGHT, OMNIGATE_INFLIGHT). Off: they let everything in.',
    'without admission one client can take the whole node',
  ),
  tracing: toggle(
    'TRACING',
    'Traces, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector. Off: none, and nothing of it is loaded.',
    'to run without traces, leave OTEL_EXPORTER_OTLP_ENDPOINT unset',
  ),
  accessLog: toggle(
    'ACCESS_LOG',
    'One line per finished request of the public surface, at level info.',
    'to run without it, set LOG_LEVEL=warn',
  ),
  compression: toggle(
    'COMPRESSION',
    'JSON answers are compressed for clients that accept zstd or gzip; objects never are.',
    'clients that want no compression leave out Accept-Encoding',
  ),
}) satisfies Readonly<Record<keyof Toggles, Knob<boolean>>>;

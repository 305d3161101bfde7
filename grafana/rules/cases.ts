import type { Alert } from './alert.ts';
import type { Labels } from './labels.ts';
import { annotationsOf, ownLabels } from './alert-rule.ts';
import { rangeSeconds, type RuleClock, SCRAPES_MIN, waitSeconds, windowSeconds } from './clock.ts';
import type { Signal, Wave } from './signal.ts';
import { humanized } from './value.ts';

/** A unit test of one alert, as promtool runs it: series over time, and what fires at a moment. */
export interface AlertCase {
  readonly alert: string;
  /** What the case shows, e.g. `silent without traffic`. */
  readonly name: string;
  readonly intervalSeconds: number;
  /** Samples in promtool notation by series. */
  readonly series: Readonly<Record<string, string>>;
  readonly atSeconds: number;
  readonly fires: readonly Fired[];
  /** Labels that tell it from others of its name, where those fire with it. */
  readonly among?: Labels;
  /** Asked instead of the alert: it has no value at all. */
  readonly empty?: string;
}

export interface Fired {
  readonly labels: Labels;
  /** Left out where the value, and with it the summary, is that of a moment long gone. */
  readonly annotations?: Labels;
}

/** So many scrapes of a signal. */
interface Phase {
  readonly signal: Signal;
  readonly steps: number;
}

/** Real seconds a cause is measured over; those of an objective say it themselves. */
const SETTLE_SECONDS = 60;
/** Scrapes after which a comparison that just became true has been seen, through groups evaluated in whatever order. */
const MARGIN = 3;

const BESIDE: Labels = { service: 'beside', instance: 'beside:1' };

const processOf = ({ signals: { service } }: Alert): Labels => ({
  job: 'macronode',
  service,
  instance: `${service}:1`,
});

/** A series as PromQL writes it. */
export const selector = (name: string, labels: Labels): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

/** Samples of one series through the phases; a counter goes on where it stood. */
function samples(waves: readonly { readonly wave: Wave; readonly steps: number }[], interval: number): string {
  let level = 0;
  const parts = waves.map(({ wave, steps }, phase) => {
    // A target that is gone ends its series; one that never was has none.
    if (wave === 'missing') return phase === 0 ? `_x${steps}` : `stale _x${steps - 1}`;
    if ('gauge' in wave) return `${wave.gauge}+0x${steps - 1}`;
    if ('rises' in wave) {
      const start = (phase + 1) * 1_000;
      const stands = steps - wave.rises - MARGIN;
      return `${start}+0x${stands - 1} ${start + 1}+1x${wave.rises - 1} ${start + wave.rises}+0x${MARGIN - 1}`;
    }
    const growth = wave.perSecond * interval;
    const start = level;
    level += growth * steps;
    return `${start}+${growth}x${steps - 1}`;
  });
  return parts.join(' ');
}

const shared = (wave: Wave, share: number): Wave =>
  wave !== 'missing' && 'perSecond' in wave ? { perSecond: wave.perSecond * share } : wave;

function seriesOf(phases: readonly Phase[], process: Labels, interval: number): Record<string, string> {
  const [first] = phases;
  return Object.fromEntries(
    (first?.signal ?? []).flatMap(({ name, labels }, index) => {
      const waves = phases.map(({ signal, steps }) => ({ wave: signal[index]?.wave ?? ('missing' as const), steps }));
      const ofPart = (more: Labels, share: number): [string, string] => [
        selector(name, { ...process, ...labels, ...more }),
        samples(
          waves.map(({ wave, steps }) => ({ wave: shared(wave, share), steps })),
          interval,
        ),
      ];
      // A counter comes in two parts, as it does with labels nobody asks for: a rule has to add them up.
      return waves.every(({ wave }) => wave !== 'missing' && 'perSecond' in wave)
        ? [ofPart({ part: 'a' }, 0.5), ofPart({ part: 'b' }, 0.5)]
        : [ofPart({}, 1)];
    }),
  );
}

const stepsOf = (phases: readonly Phase[]): number => phases.reduce((sum, { steps }) => sum + steps, 0);

/** The cases of an alert on a clock. */
export function casesOf(alert: Alert, clock: RuleClock): readonly AlertCase[] {
  const { signals, scale, forSeconds, keepFiringSeconds = 0 } = alert;
  const interval = clock.scrapeSeconds;
  const steps = (seconds: number): number => Math.ceil(seconds / interval);
  const settle =
    scale === 'budget'
      ? // Its events are rates over four scrapes themselves.
        steps(windowSeconds(clock, signals.settleSeconds ?? 0)) + SCRAPES_MIN
      : signals.settleSeconds === 0
        ? 1
        : steps(rangeSeconds(clock, signals.settleSeconds ?? SETTLE_SECONDS));
  const wait = steps(waitSeconds(clock, scale, forSeconds));
  const keep = steps(waitSeconds(clock, scale, keepFiringSeconds));
  const process = processOf(alert);
  const kept = Object.fromEntries(signals.keeps.map((label) => [label, process[label] ?? '']));
  const labels = { ...kept, ...signals.fires, ...ownLabels(alert) };
  const value = humanized(alert.format, signals.value(clock));
  const told = { labels, annotations: annotationsOf(alert, { ...kept, ...signals.fires }, value) };
  const { breaking, holding, idle, quiet, calm } = signals;
  const lasting = Math.max(settle, 2) + wait + MARGIN;

  const build = (
    name: string,
    phases: readonly Phase[],
    fires: AlertCase['fires'],
    besidePhases: readonly Phase[] = [],
  ): AlertCase => ({
    alert: alert.name,
    name,
    intervalSeconds: interval,
    series: { ...seriesOf(phases, process, interval), ...seriesOf(besidePhases, { ...process, ...BESIDE }, interval) },
    atSeconds: (stepsOf(phases) - 1) * interval,
    fires,
    ...(scale === 'budget' && { among: alert.labels }),
  });

  if (alert.comparison === 'always') {
    return [build('always fires', [{ signal: [{ name: 'up', wave: { gauge: 0 } }], steps: 2 }], [told])];
  }
  const tellsApart = signals.keeps.length > 0 && alert.comparison !== 'absent';
  const broken = { signal: breaking, steps: lasting };
  const cases = [
    build(
      'fires beyond its bound, and for nobody else',
      [broken],
      [told],
      tellsApart ? [{ signal: holding, steps: lasting }] : [],
    ),
    build('silent at its bound', [{ signal: holding, steps: lasting }], []),
    build('clears after recovery', [broken, { signal: holding, steps: Math.max(settle, 2) + keep + MARGIN }], []),
  ];
  if (wait > 2) {
    // A budget knows no time before its first event; a cause is measured over a range that has to fill.
    const before = scale === 'budget' ? [] : [{ signal: holding, steps: Math.max(settle, 2) }];
    const lastingTooShort = scale === 'budget' ? wait : wait - 1;
    cases.push(build('waits until it has lasted', [...before, { signal: breaking, steps: lastingTooShort }], []));
  }
  if (keep > 2) {
    cases.push(
      build(
        'goes on so that it is seen',
        [broken, { signal: holding, steps: settle + Math.floor(keep / 2) }],
        [{ labels: told.labels }],
      ),
    );
  }
  if (idle !== undefined) {
    // The budget remembers what was bad before it fell silent.
    if (scale === 'scrape') {
      cases.push(build('silent without traffic', [broken, { signal: idle, steps: settle + keep + MARGIN }], []));
    }
    cases.push(build('silent where nothing ever came', [{ signal: idle, steps: lasting }], []));
    if (alert.unknownWithoutTraffic !== undefined) {
      const silence = [{ signal: idle, steps: lasting }];
      cases.push({ ...build('unknown, not zero, without traffic', silence, []), empty: alert.unknownWithoutTraffic });
    }
  }
  if (quiet !== undefined) {
    cases.push(build('silent on too little traffic', [{ signal: quiet, steps: lasting }], []));
  }
  if (calm !== undefined) {
    // As long that the long window is between half its bound and its bound when the short one is beyond it.
    const now = { signal: breaking, steps: settle + wait + MARGIN };
    const before = { signal: calm, steps: Math.ceil((now.steps * 2) / 3) };
    cases.push(build('silent while only the short window burns', [before, now], []));
  }
  return cases;
}

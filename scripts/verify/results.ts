// What runs have seen so far, part by part: a part that is run again replaces what was seen of it before.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FaultName } from '../../grafana/faults.ts';
import { ROOT } from '../bootstrap.mjs';
import type { PanelAnswer } from './live.ts';
import type { FaultResult } from './matrix.ts';
import type { SettingsResult } from './settings.ts';
import type { TruthResult } from './truth.ts';
import type { WalkResult } from './walks.ts';

/** Something that was seen, when (RFC 3339), and of which commit. */
interface Seen<T> {
  readonly at: string;
  readonly commit: string;
  readonly what: T;
}

/** A panel as it is reported: what it drew is not kept. */
export type PanelReport = Omit<PanelAnswer, 'drawn'>;

interface Kept {
  settings?: Seen<SettingsResult>;
  truths?: Seen<readonly TruthResult[]>;
  panels?: Seen<readonly PanelReport[]>;
  k6?: Seen<string>;
  faults: Partial<Record<FaultName, Seen<{ readonly result: FaultResult; readonly walks: readonly WalkResult[] }>>>;
}

/** The commit that is checked out; with a plus where files differ from it. */
const COMMIT = execFileSync('git', ['describe', '--always', '--dirty=+', '--abbrev=9', '--exclude=*'], {
  cwd: ROOT,
  encoding: 'utf8',
}).trim();

const now = <T>(what: T): Seen<T> => ({ at: new Date().toISOString(), commit: COMMIT, what });

/** Kept in a file after every part, so that nothing is lost when a long run is ended. */
export class Results {
  readonly #file: string;
  readonly #kept: Kept;

  /** What is kept of earlier runs is forgotten by a whole one. */
  constructor(file: string, { whole }: { readonly whole: boolean }) {
    this.#file = file;
    this.#kept = existsSync(file) && !whole ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : { faults: {} };
  }

  get settings(): SettingsResult {
    return this.#kept.settings?.what ?? { passed: 0, failed: 0 };
  }
  get truths(): readonly TruthResult[] {
    return this.#kept.truths?.what ?? [];
  }
  get panels(): readonly PanelReport[] {
    return this.#kept.panels?.what ?? [];
  }
  get k6(): string {
    return this.#kept.k6?.what ?? 'not run';
  }
  get faults(): readonly FaultResult[] {
    return Object.values(this.#kept.faults).map(({ what }) => what.result);
  }
  get walks(): readonly WalkResult[] {
    return Object.values(this.#kept.faults).flatMap(({ what }) => what.walks);
  }

  /** When the oldest and the newest of it were seen. */
  get span(): readonly [first: string, last: string] {
    const times = this.#parts.map(({ at }) => at).sort();
    return [times[0] ?? '', times.at(-1) ?? ''];
  }

  get commits(): readonly string[] {
    return [...new Set(this.#parts.map(({ commit }) => commit))];
  }

  get #parts(): readonly Seen<unknown>[] {
    const { settings, truths, panels, k6, faults } = this.#kept;
    return [settings, truths, panels, k6, ...Object.values(faults)].filter((seen) => seen !== undefined);
  }

  settingsSeen(settings: SettingsResult): void {
    this.#kept.settings = now(settings);
    this.#save();
  }

  truthsSeen(truths: readonly TruthResult[]): void {
    this.#kept.truths = now(truths);
    this.#save();
  }

  panelsSeen(k6: string, answers: readonly PanelAnswer[]): void {
    this.#kept.k6 = now(k6);
    this.#kept.panels = now(answers.map(({ drawn: _drawn, ...report }) => report));
    this.#save();
  }

  faultSeen(result: FaultResult, walks: readonly WalkResult[]): void {
    this.#kept.faults[result.fault] = now({ result, walks });
    this.#save();
  }

  #save(): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify(this.#kept, null, 1));
  }
}

import { existsSync, writeFileSync } from 'node:fs';
import { installDebianPackage } from '../programs.ts';

/** Where Debian keeps the library, by architecture. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`,
);

function library(): string {
  const find = (): string | undefined => LIBRARIES.find((file) => existsSync(file));
  const found = find() ?? (installDebianPackage('libfaketime') ? find() : undefined);
  if (found === undefined) throw new Error('libfaketime is missing: install it (Debian: apt-get install libfaketime).');
  return found;
}

/**
 * The wall clock of processes, which can be set like an administrator sets it. Their monotonic clock goes on as it is, and
 * so does everybody else's wall clock: libfaketime answers `clock_gettime(CLOCK_REALTIME)` in these processes alone.
 */
export class StepClock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** `file` is where the processes read how far they are off. */
  static create(file: string): StepClock {
    const clock = new StepClock(file);
    clock.step(0);
    return clock;
  }

  /** What the processes are started with. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** From now on the wall clock is so many seconds ahead of the true time, or behind it. */
  step(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}

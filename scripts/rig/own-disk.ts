import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';

/** Far above the bound of the alert, and above what the traffic of a whole run stores (5 GiB): it is full only when it is made so. */
const DISK_BYTES = 16 * 1024 ** 3;

/** Each takes milliseconds, in which little is written. */
const RESIZES_MAX = 20;

/** A disk in memory at a folder, for one process alone. */
export class OwnDisk implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined where one may not mount: it takes root, and Linux. */
  static mount(folder: string): OwnDisk | undefined {
    if (process.getuid?.() !== 0 || process.platform !== 'linux') return undefined;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder]);
    return new OwnDisk(folder);
  }

  /** Takes a disk away that somebody who was killed has left; nothing happens where there is none. */
  static unmount(folder: string): void {
    if (readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `)) execFileSync('umount', ['-l', folder]);
  }

  /** Takes away all room but so many bytes. The kernel refuses a disk smaller than what is on it, and its owner goes on writing. */
  leave(bytes: number): void {
    for (let left = RESIZES_MAX; ; left -= 1) {
      const { blocks, bfree, bsize } = statfsSync(this.#folder);
      try {
        return this.#resize((blocks - bfree) * bsize + bytes);
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  }

  restore(): void {
    this.#resize(DISK_BYTES);
  }

  #resize(bytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${bytes}`, this.#folder], { stdio: 'pipe' });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.#folder]);
  }
}

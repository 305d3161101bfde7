import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

const native = Object.entries(lock.packages).filter(([, entry]) => entry.cpu && (entry.os?.includes('linux') ?? true));

/** `@scope/pkg-linux-x64-gnu` and `@scope/pkg-linux-arm64-gnu` are the same package for two machines. */
const twinOnArm64 = (path: string): string => path.replace(/x64|amd64/g, 'arm64').replace(/linux-64$/, 'linux-arm64');

describe('the lock file', () => {
  const forX64 = native.filter(([, entry]) => entry.cpu?.includes('x64')).map(([path]) => path);

  it('names the native packages we know of', () => {
    expect(forX64.some((path) => path.includes('blake-hash'))).toBe(true);
    expect(forX64.some((path) => path.includes('turbo'))).toBe(true);
  });

  it.each(forX64)('carries an arm64 build beside %s', (path) => {
    const twin = lock.packages[twinOnArm64(path)] ?? lock.packages[path];
    expect(twin?.cpu, `${twinOnArm64(path)} is missing: images could not be built for arm64`).toContain('arm64');
  });
});

import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The full path of a program on PATH. */
export function programOnPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Installs a Debian package when we are root on Debian; false when that is not for us to do. Throws when it fails. */
export function installDebianPackage(name: string): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || programOnPath('apt-get') === undefined)
    return false;
  process.stderr.write(`> installing ${name} (apt-get)\n`);
  const apt = (args: readonly string[]): void => {
    execFileSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Run level 1 keeps the package from starting a server of its own on the default port.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
  };
  try {
    apt(['install', '-qq', '-y', '--no-install-recommends', name]);
  } catch {
    apt(['update', '-qq']);
    apt(['install', '-qq', '-y', '--no-install-recommends', name]);
  }
  return true;
}

/** A program the tests need: on PATH, or installed from the Debian package, or an error that says what to install. */
export function requireProgram(name: string, debianPackage: string = name): string {
  const found = programOnPath(name);
  if (found !== undefined) return found;
  if (installDebianPackage(debianPackage)) {
    const installed = programOnPath(name);
    if (installed !== undefined) return installed;
  }
  throw new Error(`${name} is missing: install it (Debian: apt-get install ${debianPackage}) and run this again.`);
}

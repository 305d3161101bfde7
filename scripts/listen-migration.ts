// Whether the kernel hands on what waits at a port that closes (Linux 5.14: net.ipv4.tcp_migrate_req). Gateways share a port
// by SO_REUSEPORT: without it a connection that nobody has accepted yet is reset when its gateway closes, in a window of
// microseconds that no process can close itself.
import { readFileSync, writeFileSync } from 'node:fs';

const SETTING = '/proc/sys/net/ipv4/tcp_migrate_req';

/** What to tell who may set it. */
export const LISTEN_MIGRATION_ADVICE =
  'net.ipv4.tcp_migrate_req is off: a gateway that closes may reset a connection it has not accepted. ' +
  'sudo sysctl -w net.ipv4.tcp_migrate_req=1 hands it to the other gateway.';

export function isListenMigrationOn(): boolean {
  try {
    return readFileSync(SETTING, 'utf8').trim() === '1';
  } catch {
    // Not Linux, or an older kernel: there is no such setting.
    return false;
  }
}

/** Turns it on for a test, where that is allowed; the answer puts back what was there. */
export function borrowListenMigration(): () => void {
  if (isListenMigrationOn()) return () => undefined;
  try {
    writeFileSync(SETTING, '1');
  } catch {
    // Not ours to set: whoever asks finds it off.
    return () => undefined;
  }
  return () => writeFileSync(SETTING, '0');
}

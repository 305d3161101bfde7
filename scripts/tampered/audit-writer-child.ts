import { createInterface } from 'node:readline';
import { MetricsRegistry } from '@macronode/metrics';
import { AuditLog } from '../../packages/mesh/src/audit/audit-log.ts';
import { meshCounters } from '../../packages/mesh/src/metrics.ts';

/**
 * The process the tests of the audit log kill, and take the disk from: `<file>`; each line of its input is a number of records
 * to append. Its key is that of the tests. Prints `open`, `appended` after each number, a line `failed <code>` for each run of
 * failures and `recovered <lost>` for its end, and at the end of its input what it counted: written, full, write_failed.
 */
const [file = ''] = process.argv.slice(2);
const { auditEvents, auditEventsDropped } = new MetricsRegistry().scope({ service: 'test' }).bind(meshCounters);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const log = await AuditLog.open({
  file,
  key: Buffer.from(process.env['AUDIT_HMAC_KEY'] ?? ''),
  counters: { auditEvents, auditEventsDropped },
  now: Date.now,
  retryMs: 20,
  onFailure: ({ message }) => print(`failed ${message}`),
  onRecovery: (lost) => print(`recovered ${lost}`),
});
print('open');
for await (const records of createInterface({ input: process.stdin })) {
  for (let i = 0; i < Number(records); i++) {
    log.append('mesh_receive', { i, subject: '192.0.2.1', why: 'x'.repeat(i % 200) });
    if (log.queued >= 1_000) await new Promise((done) => void setImmediate(done));
  }
  print('appended');
}
await log.close();
const written = auditEvents.cell({ kind: 'mesh_receive' }).value();
const [full, failed] = (['full', 'write_failed'] as const).map((reason) => auditEventsDropped.cell({ reason }).value());
print(`counted ${written} ${String(full)} ${String(failed)}`);

import { MetricsRegistry } from '@macronode/metrics';
import { AuditLog } from '../../packages/mesh/src/audit/audit-log.ts';
import { meshCounters } from '../../packages/mesh/src/metrics.ts';

/**
 * The process the tests of the audit log kill, and take the disk from: `<file> <records>`. Its key is that of the tests. Prints
 * `open`, a line `failed <code>` for each run of failures, and at the end what it counted: written, full, write_failed.
 */
const [file = '', records = '1'] = process.argv.slice(2);
const { auditEvents, auditEventsDropped } = new MetricsRegistry().scope({ service: 'test' }).bind(meshCounters);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const log = await AuditLog.open({
  file,
  key: Buffer.from(process.env['AUDIT_HMAC_KEY'] ?? ''),
  counters: { auditEvents, auditEventsDropped },
  now: Date.now,
  onFailure: ({ message }) => print(`failed ${message}`),
});
print('open');
for (let i = 0; i < Number(records); i++) {
  log.append('mesh_receive', { i, subject: '192.0.2.1', why: 'x'.repeat(i % 200) });
  if (log.queued >= 1_000) await new Promise((done) => void setImmediate(done));
}
await log.close();
const written = auditEvents.cell({ kind: 'mesh_receive' }).value();
const [full, failed] = (['full', 'write_failed'] as const).map((reason) => auditEventsDropped.cell({ reason }).value());
print(`counted ${written} ${String(full)} ${String(failed)}`);

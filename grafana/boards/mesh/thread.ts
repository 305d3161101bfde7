import { MESH_LIMITS } from '@macronode/mesh';
import type { BoardRow } from '../../panel.ts';
import { SANE } from '../sane.ts';
import { lines, table } from '../sizes.ts';
import { gateway, mesh } from './faces.ts';

/** Between the thread of requests and that of the mesh. */
export const thread: BoardRow = {
  title: 'Queue and thread',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Commands queued',
      what: `Commands the mesh thread has not taken yet, per gateway. At ${MESH_LIMITS.commands} the next one is dropped.`,
      good: 'near zero.',
      bad: 'rises: the mesh thread is busy, or stands still.',
      runbook: 'MeshCommandsDropped',
      unit: 'short',
      targets: [{ expr: gateway.max(mesh.queuedCommands, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: [0, MESH_LIMITS.commands] },
    }),
    lines({
      title: 'Commands dropped',
      what: 'Commands per second that did not reach the mesh thread, by reason.',
      good: 'zero.',
      bad: 'full: more claims than it takes. closed: it has ended. uninitialized: it has not begun.',
      runbook: 'MeshCommandsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.commandsDropped, 'reason'), legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Starts of the thread',
      what: 'Times per second the mesh thread ended by itself and was started again.',
      good: 'zero.',
      bad: 'the log of the gateway says why it ended.',
      runbook: 'MeshThreadRestarting',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.workerRestarts, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Trust list read again',
      what: 'Times per second the trust list was read again, by what came of it.',
      good: 'loaded, when somebody changed it.',
      bad: 'kept: the file was refused, and the list before it goes on.',
      runbook: 'MeshTrustListRefused',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.trustReloads, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** What is written down, and what was lost. */
export const audit: BoardRow = {
  title: 'Audit log',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Audit records',
      what: 'Records appended to the audit log per second, by kind; all zero where it is off.',
      good: 'follows claims and peers.',
      bad: 'zero while claims come in and the log is on: its file.',
      runbook: 'AuditEventsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.auditEvents, 'kind'), legend: '{{kind}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Audit records lost',
      what: 'Records per second that were lost, by reason.',
      good: 'zero, always.',
      bad: 'full: more than the disk takes. write_failed: the disk, or its rights.',
      runbook: 'AuditEventsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(mesh.auditEventsDropped, 'reason'), legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Audit records queued',
      what: `Records that wait to be written, per gateway. At ${MESH_LIMITS.auditQueue} the next one is lost.`,
      good: 'near zero.',
      bad: 'rises: the disk is slower than the records come.',
      runbook: 'AuditEventsDropped',
      unit: 'short',
      targets: [{ expr: gateway.max(mesh.auditQueued, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: [0, MESH_LIMITS.auditQueue] },
    }),
  ],
};

/** Which nodes there are, as other clients of the lean metrics show them. */
export const nodes: BoardRow = {
  title: 'Nodes of the mesh',
  about: 'build',
  collapsed: true,
  panels: [
    table({
      title: 'Nodes',
      what: 'Name and version of every node that may take part.',
      good: 'one version, but for the minutes of a rolling restart.',
      bad: 'two for long: envelopes of one may be malformed to the other.',
      runbook: 'ServiceAbsent',
      unit: 'none',
      targets: [{ expr: gateway.max(mesh.nodeInfo, 'instance, name, version'), legend: '{{name}} {{version}}' }],
      evidence: { sane: [1, 1] },
    }),
    lines({
      title: 'Time since the start',
      what: 'How long each node has run.',
      good: 'since the last deployment.',
      bad: 'a saw: it starts again and again, and loses its table each time.',
      runbook: 'RestartLoop',
      unit: 's',
      targets: [{ expr: `time() - ${gateway.max(mesh.startTime, 'instance')}`, legend: '{{instance}}' }],
      evidence: { sane: [0, 1e9] },
    }),
  ],
};

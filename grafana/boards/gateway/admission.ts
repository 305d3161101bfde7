import { BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { series, top } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';

const gateway = series('gateway');
const { golden, accessLog, gateway: own, connections, state } = METRICS;

const setting = (key: string): string => gateway.max(state.config, '', `key="${key}"`);

/** What is let in, what is refused, and how bodies end. */
export const admission: BoardRow = {
  title: 'Admission, connections and bodies',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Gate fill',
      what: 'Requests in flight over what one gateway admits.',
      good: 'far below the line.',
      bad: 'a slow dependency or slow clients hold them; the next ones are refused with 503.',
      runbook: 'GatewayNearCapacity',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('gatewayInflight'), legend: '{{instance}}' }],
      limit: BOUNDS.gateway_inflight,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Requests admitted',
      what: 'Requests the gate has admitted and not seen end; dashed what one gateway admits.',
      good: 'far below the dashed line.',
      bad: 'see which route holds them.',
      runbook: 'busy',
      unit: 'short',
      targets: [
        { expr: gateway.max(own.inflight, 'instance'), legend: '{{instance}}' },
        { expr: setting('inflight'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Requests in flight by route',
      what: 'Requests being answered now, by route.',
      good: 'small; long polls of the mailbox wait on purpose.',
      bad: 'one route grows: its service has slowed down.',
      runbook: 'GatewayNearCapacity',
      unit: 'short',
      targets: [{ expr: top(15, gateway.sum(golden.inflightRequests, 'route')), legend: '{{route}}' }],
      stacked: true,
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests refused per second by reason, and all of them.',
      good: 'zero at rated load, but for what callers get wrong.',
      bad: 'the reason is the bound or the check that refused.',
      runbook: 'AdmissionBudgetBurn',
      unit: 'ops',
      targets: [
        { expr: `${top(15, gateway.rate(golden.rejected, 'reason'))} > 0`, legend: '{{reason}}' },
        { expr: gateway.rate(golden.rejected, ''), legend: 'all' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Connections',
      what: 'Open client connections; dashed what one gateway holds.',
      good: 'far below the dashed line.',
      bad: 'clients that never close: look at idle timeouts in front.',
      runbook: 'GatewayConnectionsDropped',
      unit: 'short',
      targets: [
        { expr: gateway.max(connections.connections, 'instance'), legend: '{{instance}}' },
        { expr: setting('connections'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Connections dropped',
      what: 'Connections closed at once per second, because the bound was reached.',
      good: 'zero.',
      bad: 'add a gateway, or find who opens them.',
      runbook: 'GatewayConnectionsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(connections.dropped, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Access lines lost',
      what: 'Lines of the access log per second that were not written: who reads the log is slower than they come.',
      good: 'zero.',
      bad: 'a log reader or a disk that is behind: move it, or set LOG_LEVEL=warn.',
      runbook: 'DiskNearlyFull',
      unit: 'ops',
      targets: [{ expr: gateway.rate(accessLog.dropped, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Uploads aborted',
      what: 'Uploads that storage ended, over uploads.',
      good: 'zero.',
      bad: 'the board of storage has the reason: disk, slots or a digest.',
      runbook: 'UploadsAborted',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('uploadsAborted'), legend: '{{instance}}' }],
      limit: BOUNDS.uploads_aborted,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Downloads aborted',
      what: 'Downloads that storage ended before their last byte, over downloads.',
      good: 'zero.',
      bad: 'a storage died or found bytes that no longer hash.',
      runbook: 'DownloadsAborted',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('downloadsAborted'), legend: '{{instance}}' }],
      limit: BOUNDS.downloads_aborted,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Aborts by reason',
      what: 'Uploads and downloads per second that ended early, by who ended them.',
      good: 'clients that leave; nothing upstream.',
      bad: 'idle: slow clients. too_large: the limit of a route. upstream: storage.',
      runbook: 'too_large',
      unit: 'ops',
      targets: [
        { expr: gateway.rate(own.uploadsAborted, 'reason'), legend: 'upload {{reason}}' },
        { expr: gateway.rate(own.downloadsAborted, 'reason'), legend: 'download {{reason}}' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

import { LIMITS } from '@macronode/contracts';
import { CLIENT_REASONS, METRICS } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { series } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines } from '../sizes.ts';

const gateway = series('gateway');
const { gateway: own, golden, omnigate } = METRICS;

/** Clients that ask too much, and what the mesh says of them. */
export const cuts: BoardRow = {
  title: 'Clients cut for abuse',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Clients cut',
      what: 'Clients cut per second, by what they kept on doing; all zero where no rate is set.',
      good: 'zero.',
      bad: 'many: an attack, or a rate that honest clients reach.',
      runbook: 'quota',
      unit: 'ops',
      targets: [{ expr: gateway.rate(own.clientCuts, 'reason'), legend: '{{reason}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Requests of clients refused',
      what: 'Requests refused per second for their client: over its rate, cut, or denied by what the mesh says of it.',
      good: 'what abuse there is.',
      bad: 'client_rate alone: clients without a pause. mesh_score: see the board of the mesh.',
      runbook: 'quota',
      unit: 'ops',
      targets: Object.values(CLIENT_REASONS).map((reason) => ({
        expr: gateway.rate(golden.rejected, '', `reason="${reason}"`),
        legend: reason,
      })),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Clients tracked',
      what: `Addresses whose requests are counted, per gateway. At ${LIMITS.gateway_clients.value} the one idle for longest is forgotten.`,
      good: 'the clients of the last minutes.',
      bad: 'at the bound: addresses are made up, or there is one more gateway to add.',
      runbook: 'quota',
      unit: 'short',
      targets: [{ expr: gateway.max(own.clientsTracked, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Clients forgotten',
      what: 'Addresses per second that were forgotten because the table was full.',
      good: 'zero.',
      bad: 'somebody who comes from many addresses is not cut any more.',
      runbook: 'quota',
      unit: 'ops',
      targets: [{ expr: gateway.rate(own.clientsForgotten, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Refusals held back',
      what: `Refusals of cut clients that are held back now, per gateway. At ${LIMITS.gateway_tarpit_answers.value} the next ones are sent at once.`,
      good: 'follows the clients that are cut.',
      bad: 'at the bound: they cost nothing more, and hold nobody up any more.',
      runbook: 'quota',
      unit: 'short',
      targets: [{ expr: gateway.max(own.tarpitHeld, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Refusals not held back',
      what: 'Refusals per second sent at once because as many as may be held were held.',
      good: 'zero.',
      bad: 'more cut clients than the tarpit holds.',
      runbook: 'quota',
      unit: 'ops',
      targets: [{ expr: gateway.rate(own.tarpitOverflow, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Scores clients brought',
      what: 'Requests per second that came with a mesh score of their own, which is taken off.',
      good: 'zero.',
      bad: 'somebody tries to pass for better than they are, or another gateway stands in front.',
      runbook: 'bad_request',
      unit: 'ops',
      targets: [{ expr: gateway.rate(own.meshScoreStripped, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Scores passed on',
      what: 'Requests per second that came to omnigate with what the mesh thinks of their client.',
      good: 'follows the lookups that hit.',
      bad: 'below them: requests that were refused before.',
      runbook: 'MeshWithoutPeers',
      unit: 'ops',
      targets: [{ expr: series('omnigate').rate(omnigate.scoredRequests, ''), legend: 'scored' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

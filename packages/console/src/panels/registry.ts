import { bucketsOf } from '../history/reading.ts';
import { fewExpected, noneExpected, type Panel, upTo } from './panel.ts';

const versions = { metric: 'registry_versions' };
const pending = { metric: 'registry_pending_proposals' };
const commits = { metric: 'registry_commits_total', by: 'result' };
const latency = bucketsOf('commit_latency_seconds', {});
const age = { metric: 'registry_checkpoint_age_seconds' };
const damaged = { metric: 'registry_audit_fail_total' };
const streams = { metric: 'registry_sse_clients' };

export const registryPanel: Panel = {
  id: 'registry',
  title: 'Registry',
  question: 'Does the log go on, and does it verify?',
  readings: [versions, pending, commits, latency, age, damaged, streams],
  stats: [
    { label: 'Versions', unit: 'count', hint: 'Entries of the log.', read: (r) => r.highest(versions) },
    { label: 'Proposals', unit: 'count', hint: 'Proposals that are open.', read: (r) => r.total(pending) },
    {
      label: 'Commit p95',
      unit: 'seconds',
      hint: '95 of 100 commits of the last minute were faster.',
      read: (r) => r.quantile(0.95, latency),
      level: upTo(0.75, 1.2),
    },
    {
      label: 'Failed',
      unit: 'per_second',
      hint: 'Requests to commit that the log could not carry out.',
      read: (r) => r.rate(commits, (result) => result === 'failed'),
      level: fewExpected,
    },
    {
      label: 'Checkpoint',
      unit: 'seconds',
      hint: 'Time since the checkpoint was signed; it is signed again every half minute.',
      read: (r) => r.highest(age),
      level: upTo(60, 120),
    },
    {
      label: 'Not verified',
      unit: 'count',
      hint: 'Entries and audit records that did not verify when they were read again.',
      read: (r) => r.total(damaged),
      level: noneExpected,
    },
    {
      label: 'Streams',
      unit: 'count',
      hint: 'Event streams that are open.',
      read: (r) => r.total(streams),
    },
  ],
  plots: [
    {
      label: 'Commits per second',
      unit: 'per_second',
      lines: [
        { label: 'committed', tone: 'green', read: (r) => r.rate(commits, (result) => result === 'committed') },
        { label: 'refused', tone: 'orange', read: (r) => r.rate(commits, (result) => result === 'refused') },
        { label: 'failed', tone: 'red', read: (r) => r.rate(commits, (result) => result === 'failed') },
      ],
    },
  ],
};

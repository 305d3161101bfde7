import { ERRORS, isErrorCode } from '@macronode/contracts';
import { page, table } from '../markdown.ts';
import { ALERTS } from '../rules/alerts.ts';
import { anchorOf, type RunbookEntry, type RunbookStep } from './entry.ts';
import { ALERT_ENTRIES, ERROR_ENTRIES } from './index.ts';

type Entries = Readonly<Record<string, RunbookEntry>>;

const link = (heading: string): string => `[${heading}](#${anchorOf(heading)})`;

/** Names of headings in the prose are links to them. */
const linked = (text: string): string =>
  text.replaceAll(/`([A-Za-z_]+)`/g, (code, name: string) =>
    Object.hasOwn(ALERT_ENTRIES, name) ? `[${code}](#${anchorOf(name)})` : code,
  );

const fenced = (language: string, text: string): string => `   \`\`\`${language}\n   ${text}\n   \`\`\``;

function stepText({ say, query, command, expect }: RunbookStep, index: number): string {
  return [
    `${index + 1}. ${linked(say)}`,
    ...(query === undefined ? [] : [fenced('promql', query)]),
    ...(command === undefined ? [] : [fenced('sh', command)]),
    ...(expect === undefined ? [] : [`   ${linked(expect)}`]),
  ].join('\n\n');
}

const section = (heading: string, facts: string, { meaning, steps, mend }: RunbookEntry): string =>
  [
    `### ${heading}`,
    facts,
    linked(meaning),
    ...steps.map(stepText),
    '**Mend.**',
    mend.map((way) => `- ${linked(way)}`).join('\n'),
  ].join('\n\n');

/** What the alert is, from its declaration: severity, panel, and what it means for users. */
function factsOfAlert(heading: string): string {
  const alerts = ALERTS.filter(({ name }) => name === heading);
  const severities = [...new Set(alerts.map(({ severity }) => severity))].join(', ');
  const impacts = [...new Set(alerts.map(({ impact }) => impact))].join(' ');
  const [first] = alerts;
  return first === undefined ? '' : `_${severities}; panel ${first.panel.title} of ${first.panel.board}._ ${impacts}`;
}

function factsOfError(heading: string): string {
  if (!isErrorCode(heading)) return '';
  const { status, retryable } = ERRORS[heading];
  return `_${status}; ${retryable ? 'the same request may succeed later' : 'the same request fails again'}._`;
}

const sections = (entries: Entries, facts: (heading: string) => string): readonly string[] =>
  Object.entries(entries).map(([heading, entry]) => section(heading, facts(heading), entry));

const contents = (first: string, entries: Entries): string =>
  table(
    [first, 'what happened'],
    Object.entries(entries).map(([heading, { meaning }]) => [link(heading), linked(meaning)]),
  );

/** docs/runbook.md: from an alert or an error code to its cause, and how that is mended. */
export function runbookPage(): string {
  return page(
    'Runbook',
    'A heading for every alert and for every error code a user can see. Queries are typed into Prometheus as they are; the tests parse each one, execute it against a running node, and follow some of them from an injected fault to its diagnosis. Commands stand as they are typed in the folder of the repository; ports are those of one machine (gateway 9080, omnigate 9081, index 9082, storage 9083, mailbox 9084, registry 9085). `docker compose` is for the containers; for `npm run up` the logs are in `.run/logs`. Where a command names storage, put the service of the alert.',
    '## By alert',
    contents('alert', ALERT_ENTRIES),
    '## By error code',
    contents('code', ERROR_ENTRIES),
    '## Alerts',
    ...sections(ALERT_ENTRIES, factsOfAlert),
    '## Errors',
    ...sections(ERROR_ENTRIES, factsOfError),
  );
}

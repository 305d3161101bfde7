// The stage `traces` of ci:full: requests through six processes and a real collector, and every span of them as it has to be.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashBytes } from '@macronode/content';
import type { ServiceName } from '@macronode/contracts';
import { signRequest } from '@macronode/log';
import { Owner } from '../../e2e/name-records.ts';
import { ROOT } from '../bootstrap.mjs';
import { startRedis } from '../redis.ts';
import { RegistryDriver } from '../rig/registry-driver.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import { StageFailed } from '../stages.ts';
import { startCollector } from './collector.ts';
import { EXPECTED, type ExpectedTrace } from './expected.ts';
import { startTracedNode, type TracedNode, type TracingSetting } from './node.ts';
import { drawn, type Span, titleOf, traceOf, treeOf } from './span.ts';

const REQUEST_TIMEOUT_MS = 30_000;
/** Requests at once: more than travel one by one, so that some share an entry. */
const BURST = 64;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array | object;
}

/** Sends a request under a correlation id of its own and answers that id. Throws when the status is another. */
async function ask(node: TracedNode, { method, path, body }: Request, status: number): Promise<string> {
  const corrId = randomUUID();
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${node.url}${path}`, {
    method,
    headers: { 'X-Corr-Id': corrId, ...(body !== undefined && !isBytes && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.status !== status)
    throw new StageFailed(`${method} ${path} answered ${response.status}, not ${status}: ${text.slice(0, 300)}`);
  return corrId;
}

/** Does something while a service stands still, and lets it go on whatever came out. */
async function whilePaused<T>(node: TracedNode, service: ServiceName, work: () => Promise<T>): Promise<T> {
  const pid = node.pids.get(service) ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** What is wrong with a trace, in words; nothing when all is as expected. */
function complaints(trace: readonly Span[], corrId: string, expected: ExpectedTrace): readonly string[] {
  const found = treeOf(trace).map(({ span, depth }) => `${'  '.repeat(depth)}${titleOf(span)}`);
  const strangers = trace.filter(({ attributes }) => attributes['corr_id'] !== corrId).map(titleOf);
  return [
    ...(found.join('\n') === expected.spans.join('\n') ? [] : [`expected:\n${expected.spans.join('\n')}`]),
    ...strangers.map((title) => `another corr_id: ${title}`),
  ];
}

/**
 * What is wrong with the spans of entries that carried several frames: each has to link to whoever sent each of them, in as
 * many traces.
 */
function batchComplaints(batches: readonly Span[], spans: readonly Span[]): readonly string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  if (batches.length === 0) return [`none of ${BURST} requests at once shared an entry`];
  return batches.flatMap((batch) => {
    const frames = Number(batch.attributes['messaging.batch.message_count']);
    const senders = batch.links.map(({ spanId }) => byId.get(spanId));
    const isSound =
      senders.length === frames &&
      senders.every((sender) => sender !== undefined && /^(send|forward) /.test(sender.name)) &&
      senders.some((sender) => sender?.spanId === batch.parentSpanId);
    return isSound
      ? []
      : [`${titleOf(batch)}: ${frames} frames, linked to ${senders.map((one) => one?.name ?? 'nobody').join(', ')}`];
  });
}

/** A commit that only has to be asked for: proposed and approved by as many as it takes. */
async function commitRequest(node: TracedNode, { group }: RiggedSigners): Promise<Request> {
  using driver = new RegistryDriver(node.url, group);
  const [speaker, ...others] = group.quorum(0);
  if (speaker === undefined) throw new StageFailed('a group without signers');
  const payload = await driver.payload({ kind: 'set', items: [{ id: 'traced', kind: 'node' }] });
  const { proposal_id: subject } = await driver.propose(payload, speaker);
  for (const signer of [speaker, ...others]) await driver.approve(subject, signer);
  const auth = signRequest(speaker.key, speaker.id, { action: 'commit', log: group.log, subject }, new Date());
  return { method: 'POST', path: `/registry/commit/${subject}`, body: { auth } };
}

/** That whoever committed was answered before the bus was told. */
function announcedTooEarly(spans: readonly Span[], corrId: string): readonly string[] {
  const trace = traceOf(spans, corrId);
  const answered = trace.find(({ name }) => name === 'process registry.write');
  const told = trace.find(({ name }) => name === 'publish registry.committed');
  if (answered === undefined || told === undefined) return ['no answer, or nothing told'];
  return told.startTimeUnixNano < answered.endTimeUnixNano ? ['told of the commit before it was answered'] : [];
}

/** Requests of every kind, all sampled and none, and the correlation id of each by the name of its expectation. */
async function sendAll(
  runDir: string,
  redisUrl: string,
  endpoint: string,
): Promise<ReadonlyMap<keyof typeof EXPECTED, string>> {
  const sent = new Map<keyof typeof EXPECTED, string>();
  using signers = RiggedSigners.make();
  const { env } = signers;
  const start = (tracing: TracingSetting): Promise<TracedNode> => startTracedNode({ runDir, redisUrl, tracing, env });
  const bytes = randomBytes(4_096);
  const id = hashBytes(bytes);
  const name = `${randomUUID()}.test`;
  const byName = { method: 'GET', path: `/n/${name}` };
  {
    await using node = await start({ endpoint, ratio: 1 });
    sent.set('put', await ask(node, { method: 'PUT', path: `/o/${id}`, body: bytes }, 201));
    await ask(node, { method: 'PUT', path: `/names/${name}`, body: new Owner().record(name, 1, id) }, 201);
    sent.set('readByName', await ask(node, byName, 200));
    const message = { topic: 'traces', idem_key: randomUUID(), payload_b64: bytes.toString('base64') };
    await Promise.all(Array.from({ length: BURST }, () => ask(node, byName, 200)));
    sent.set('commit', await ask(node, await commitRequest(node, signers), 201));
    sent.set('send', await ask(node, { method: 'POST', path: '/mailbox/send', body: message }, 200));
  }
  await using node = await start({ endpoint, ratio: 0 });
  sent.set('unsampled', await ask(node, byName, 200));
  sent.set('indexPaused', await whilePaused(node, 'index', () => ask(node, byName, 504)));
  sent.set('storagePaused', await whilePaused(node, 'storage', () => ask(node, byName, 504)));
  return sent;
}

export async function traces(): Promise<undefined> {
  const runDir = join(ROOT, '.run', 'traces');
  rmSync(runDir, { recursive: true, force: true });
  mkdirSync(runDir, { recursive: true });
  await using redis = await startRedis();
  await using collector = await startCollector(runDir);
  const sent = await sendAll(runDir, redis.url, collector.endpoint);
  // Services and collector have ended: what is not in the file now was not exported.
  const spans = await collector.end();
  const wrong: string[] = [];
  for (const [name, corrId] of sent) {
    const trace = traceOf(spans, corrId);
    const found = [
      ...complaints(trace, corrId, EXPECTED[name]),
      ...(name === 'commit' ? announcedTooEarly(spans, corrId) : []),
    ];
    process.stdout.write(`\n${EXPECTED[name].title}\n${trace.length === 0 ? '  (nothing)' : drawn(trace)}\n`);
    for (const complaint of found) process.stdout.write(`  ${complaint}\n`);
    if (found.length > 0) wrong.push(name);
  }
  const batches = spans.filter(({ name }) => name.startsWith('receive '));
  const [largest] = batches.toSorted((a, b) => b.links.length - a.links.length);
  const example = largest === undefined ? '' : `, the largest ${titleOf(largest)}`;
  process.stdout.write(`\n${batches.length} entries of several frames${example}\n`);
  for (const complaint of batchComplaints(batches, spans)) {
    process.stdout.write(`  ${complaint}\n`);
    wrong.push('batches');
  }
  if (wrong.length > 0) throw new StageFailed(`Traces that are not as expected: ${wrong.join(', ')}`);
}

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus, InProcessLink } from '@macronode/bus';
import { MailboxRecvReply, MailboxRecvRequest, Readiness, SUBJECTS } from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';
import { type RunningNode, startNode } from '@macronode/service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mailboxService } from './index.ts';

const { send, recv, ack } = SUBJECTS.mailbox;
const ctx = { corrId: '01JZZZZZZZZZZZZZZZZZZZZZZZ' };
const message = (key: string, topic = 't') => ({
  topic,
  idem_key: key,
  payload_b64: Buffer.from(key).toString('base64'),
});
const asking = (fields: Partial<MailboxRecvRequest> = {}) => MailboxRecvRequest.parse({ topic: 't', ...fields });

describe('the mailbox, started for real', () => {
  let link: InProcessLink;
  let client: Bus;
  let folder: string;
  let node: RunningNode;

  const start = (env: Record<string, string> = {}): Promise<RunningNode> =>
    startNode({
      services: [mailboxService],
      profile: 'micronode',
      env: { OPS_PORT: '0', LOG_LEVEL: 'silent', MAILBOX_SWEEP_INTERVAL_MS: '10', ...env },
      link,
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mailbox-module-'));
    link = new InProcessLink();
    await link.start();
    client = new Bus({ service: 'omnigate', link, metrics: new MetricsRegistry().scope({ service: 'omnigate' }) });
    await client.start();
  });
  afterEach(async () => {
    await node.close();
    await client.close();
    await link.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('sends, receives and acknowledges over the bus', async () => {
    node = await start();
    const sent = await client.call(send, { ...message('a'), attrs: { k: 'v' } }, ctx);
    expect(await client.call(send, message('a'), ctx)).toEqual({ msg_id: sent.msg_id, duplicate: true });
    const { messages } = MailboxRecvReply.parse(await client.call(recv, asking(), ctx));
    expect(messages).toMatchObject([{ msg_id: sent.msg_id, attempt: 1, payload_b64: 'YQ==', attrs: { k: 'v' } }]);
    const receipts = [messages[0]?.receipt ?? '', 'nonsense'];
    expect(await client.call(ack, { receipts }, ctx)).toEqual({ results: ['ok', 'not_found'] });
    expect(await client.call(recv, asking(), ctx)).toEqual({ messages: [] });
  });

  it('answers refusals with their code and when to come back', async () => {
    node = await start({ MAILBOX_TOPIC_DEPTH: '1' });
    await client.call(send, message('a'), ctx);
    await expect(client.call(send, message('b'), ctx)).rejects.toMatchObject({
      code: 'saturated',
      reason: 'topic_depth',
      retryable: true,
      retryAfterMs: 1_000,
    });
    const other = { ...message('a'), payload_b64: 'AAAA' };
    await expect(client.call(send, other, ctx)).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    await expect(client.call(send, message('a', 'no topic'), ctx)).rejects.toMatchObject({ code: 'schema' });
  });

  it('lets a long poll wait for a message, and for a lease that runs out', async () => {
    node = await start();
    const poll = client.call(recv, asking({ wait_ms: 20_000, visibility_ms: 250 }), ctx);
    await client.call(send, message('a'), ctx);
    expect((await poll).messages).toMatchObject([{ attempt: 1 }]);
    const again = await client.call(recv, asking({ wait_ms: 20_000 }), ctx);
    expect(again.messages).toMatchObject([{ attempt: 2 }]);
  });

  it('answers a long poll when it is closed, and does not wait for it', async () => {
    node = await start();
    const poll = client.call(recv, asking({ wait_ms: 20_000 }), ctx);
    await expect.poll(async () => (await fetch(`${node.opsUrl}/metrics`)).text()).toMatch(/mailbox_waiters\{.*\} 1/);
    expect(await node.close()).toEqual([]);
    expect(await poll).toEqual({ messages: [] });
  });

  it('keeps messages over a restart, and leaves nothing but its file', async () => {
    node = await start({ DATA_DIR: folder });
    const { msg_id } = await client.call(send, message('a'), ctx);
    const leased = await client.call(recv, asking(), ctx);
    await node.close();
    expect(readdirSync(join(folder, 'mailbox'))).toEqual(['mailbox.db']);
    node = await start({ DATA_DIR: folder });
    expect(await client.call(send, message('a'), ctx)).toEqual({ msg_id, duplicate: true });
    const receipts = leased.messages.map(({ receipt }) => receipt);
    expect(await client.call(ack, { receipts }, ctx)).toEqual({ results: ['ok'] });
  });

  it('is ready, and shows what it counts', async () => {
    node = await start();
    await client.call(send, message('a'), ctx);
    const ready = await fetch(`${node.opsUrl}/readyz`);
    expect(ready.status).toBe(200);
    expect(Readiness.parse(await ready.json())).toMatchObject({ ready: true, write_ready: true, missing: [] });
    const metrics = await (await fetch(`${node.opsUrl}/metrics`)).text();
    expect(metrics).toContain('mailbox_enqueued_total{service="mailbox"} 1');
    expect(metrics).toMatch(/queue_depth\{[^}]*queue="ready"[^}]*\} 1/);
    expect(metrics).not.toContain('topic=');
  });
});

import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { LIMITS, MailboxAckReply, MailboxRecvReply, MailboxSendReply, ROUTES } from '@macronode/contracts';
import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Call, NodeClient } from './node-client.ts';
import type { Terminal } from './terminal.ts';

export interface SendOptions {
  readonly topic: string;
  readonly key: string;
  readonly payload: Uint8Array;
}

export interface RecvOptions {
  readonly topic: string;
  readonly max: number;
  readonly visibilityMs: number;
  readonly waitMs: number;
}

const post = (path: string, body: unknown): Call => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});

/** The bytes of a message, from the text given, a file, or `-` for standard input. */
export async function payloadOf(
  terminal: Terminal,
  text: string | undefined,
  file: string | undefined,
): Promise<Uint8Array> {
  if (text !== undefined && file !== undefined)
    throw new Failure(EXIT.usage, '--payload and --file exclude each other');
  if (text === undefined && file === undefined) {
    throw new Failure(EXIT.usage, 'a message needs --payload TEXT or --file FILE', {
      hint: '--file - reads standard input',
    });
  }
  const bytes =
    text !== undefined ? Buffer.from(text) : file === '-' ? await buffer(terminal.stdin) : await readFile(file ?? '');
  const limit = LIMITS.mailbox_payload_bytes.value;
  if (bytes.byteLength <= limit) return bytes;
  throw new Failure(EXIT.error, `the payload has ${bytes.byteLength} bytes; a message holds ${limit}`, {
    hint: 'store it with `ronctl put` and send the id',
  });
}

export async function sendMessage(
  client: NodeClient,
  options: SendOptions,
): Promise<MailboxSendReply & { corr_id: string }> {
  const { value, answer } = await client.json(
    post(ROUTES.mailboxSend.template, {
      topic: options.topic,
      idem_key: options.key,
      payload_b64: Buffer.from(options.payload).toString('base64'),
    }),
    MailboxSendReply,
  );
  return { ...value, corr_id: answer.corrId };
}

export async function receiveMessages(
  client: NodeClient,
  options: RecvOptions,
): Promise<MailboxRecvReply & { corr_id: string }> {
  const { value, answer } = await client.json(
    {
      ...post(ROUTES.mailboxRecv.template, {
        topic: options.topic,
        max_messages: options.max,
        visibility_ms: options.visibilityMs,
        wait_ms: options.waitMs,
      }),
      extraWaitMs: options.waitMs,
    },
    MailboxRecvReply,
  );
  return { ...value, corr_id: answer.corrId };
}

export async function acknowledge(
  client: NodeClient,
  receipts: readonly string[],
): Promise<MailboxAckReply & { corr_id: string }> {
  const { value, answer } = await client.json(post(ROUTES.mailboxAck.template, { receipts }), MailboxAckReply);
  return { ...value, corr_id: answer.corrId };
}

// A payload is data: control characters would let it drive the terminal.
const isPlainText = (text: string): boolean => !/[\p{Cc}\p{Cf}\ufffd]/u.test(text);

/** A payload on one line: as text when it is plain text, else as base64. */
export function showPayload(payloadB64: string): string {
  const text = Buffer.from(payloadB64, 'base64').toString('utf8');
  return isPlainText(text) ? text : `base64:${payloadB64}`;
}

import { setTimeout as pause } from 'node:timers/promises';
import type { SentEvent } from '@macronode/content';
import {
  LIMITS,
  type RegistryAction,
  type RegistryAuth,
  RegistryConsistency,
  RegistryHead,
  RegistryProposal,
  RegistryProposalList,
  RegistryProposalShown,
  RegistrySigners,
  ROUTES,
} from '@macronode/contracts';
import { signRequest } from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { type Call, type NodeClient, pathOf, refusalOf } from '../node-client.ts';
import { streamEvents } from './event-stream.ts';
import type { Identity } from './key-arguments.ts';

/** A write, as it is signed: what it does, and to what. */
export interface SignedCall {
  readonly action: RegistryAction;
  readonly log: string;
  readonly subject: string;
  readonly path: string;
  /** Members of the body beside the signature of the request. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** How often a write is sent when no answer says what became of it. */
const ATTEMPTS = 3;
/** Before it is sent again, when the node asks for no wait: what was in its way may be over. */
const RESEND_MS = 200;
/** The longest wait a node may ask for: somebody sits before the command. */
export const ASKED_WAIT_MS_MAX = 30_000;

/** The registry of a node: reads, and writes signed by one of its signers. */
export class RegistryClient {
  readonly #client: NodeClient;
  /** Told before a write is sent once more. */
  readonly #onRetry: (failure: Failure, waitMs: number) => void;

  constructor(client: NodeClient, onRetry: (failure: Failure, waitMs: number) => void = () => undefined) {
    this.#client = client;
    this.#onRetry = onRetry;
  }

  head(): Promise<RegistryHead> {
    return this.#get(ROUTES.registryHead.template, RegistryHead);
  }

  signers(): Promise<RegistrySigners> {
    return this.#get(ROUTES.registrySigners.template, RegistrySigners);
  }

  async proposals(): Promise<readonly RegistryProposal[]> {
    return (await this.#get(ROUTES.registryProposals.template, RegistryProposalList)).proposals;
  }

  proposal(id: string): Promise<RegistryProposalShown> {
    return this.#get(pathOf(ROUTES.registryProposal.template, id), RegistryProposalShown);
  }

  /** The signed checkpoint, as a note. */
  checkpoint(): Promise<string> {
    return this.#client.text({ method: 'GET', path: ROUTES.registryCheckpoint.template });
  }

  consistency(from: number, to: number): Promise<RegistryConsistency> {
    return this.#get(`${ROUTES.registryConsistency.template}?from=${from}&to=${to}`, RegistryConsistency);
  }

  /** One page of the log or of the audit chain, a line each. */
  lines(route: 'registryLog' | 'registryAudit', after: number, limit: number): AsyncGenerator<string> {
    return this.#client.lines({ method: 'GET', path: `${ROUTES[route].template}?after=${after}&limit=${limit}` });
  }

  /**
   * Commits as they happen, after a version; first what came since. The types of its events are hints: what they say may
   * be missed, so whoever wants every entry reads the log. Undefined whenever the stream only says that it is alive.
   */
  async *events(after: number): AsyncGenerator<SentEvent | undefined> {
    const answer = await this.#client.send({
      method: 'GET',
      path: ROUTES.registryStream.template,
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
      extraWaitMs: LIMITS.registry_stream_stall_ms.value,
    });
    if (answer.status !== 200) throw await refusalOf(answer);
    try {
      yield* streamEvents(answer.body);
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure(EXIT.unavailable, 'the stream broke', { corrId: answer.corrId, cause });
    } finally {
      answer.body.destroy();
    }
  }

  /**
   * Signs a write and sends it. When its outcome is unknown it is signed again, with a fresh nonce, and sent again: the
   * first one may have used its own up. Every write of the registry says the same when it is repeated.
   */
  async write<T>(identity: Identity, call: SignedCall, schema: { parse(value: unknown): T }): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const auth = signRequest(identity.key, identity.signerId, call, new Date());
      try {
        return (await this.#client.json(post(call, auth), schema)).value;
      } catch (error) {
        const again = error instanceof Failure && error.options.outcomeUnknown === true && attempt < ATTEMPTS;
        if (!again) throw error;
        const waitMs = Math.min(error.options.retryAfterMs ?? RESEND_MS, ASKED_WAIT_MS_MAX);
        this.#onRetry(error, waitMs);
        await pause(waitMs, undefined, { signal: this.#client.signal });
      }
    }
  }

  async #get<T>(path: string, schema: { parse(value: unknown): T }): Promise<T> {
    return (await this.#client.json({ method: 'GET', path }, schema)).value;
  }
}

const post = ({ path, body }: SignedCall, auth: RegistryAuth): Call => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ ...body, auth })),
});

import { canonicalJson, hashBytes, parseStrictJson } from '@macronode/content';
import { LIMITS, RegistryEntry, RegistryHead, RegistrySigners } from '@macronode/contracts';
import type { LogSource } from '@macronode/log';
import { textLines } from '@macronode/content';
import type { z } from 'zod';
import { bodyOf, textOf, AnswerFailed } from '../bounded-answer.ts';
import { UpstreamRefused } from './upstream-refused.ts';

const KIB = 1_024;
/** A head is a few hundred bytes. */
const HEAD_BYTES = 4 * KIB;
/** Sixteen post-quantum keys with their proofs of possession are 100 KiB. */
const SIGNERS_BYTES = 512 * KIB;
/** A checkpoint with the cosignatures of eight witnesses, each of 3 KiB at most. */
const CHECKPOINT_BYTES = 64 * KIB;
/** An entry with its payload, and the names around them. */
const LINE_BYTES = LIMITS.registry_payload_bytes.value + LIMITS.registry_leaf_bytes.value + KIB;
/** A short answer is there by then, in ms; a page of entries by ten times that. */
const TIMEOUT_MS = LIMITS.request_timeout_ms.value;
const PAGE_TIMEOUT_MS = 10 * TIMEOUT_MS;
/** Of `{"entry_b3", "leaf", "payload"}`, around a payload as deep as may be. */
const LINE_DEPTH = LIMITS.json_depth.value + 1;

/** An entry as it was received. Its two hashes are those of the texts; nothing else of it is judged yet. */
export interface UpstreamEntry {
  readonly version: number;
  readonly entryHash: string;
  /** Canonical (RFC 8785): what the entry hash is of. */
  readonly leaf: string;
  readonly payload: string;
  readonly entry: RegistryEntry;
}

/**
 * A log read over HTTP. It is not trusted: every answer is bounded, parsed strictly and has to be what was asked for.
 * Methods reject with {@link AnswerFailed}, with what `fetch` throws, or with the reason of their signal; and with
 * {@link UpstreamRefused} for an entry that is whole and is not what it says it is.
 */
export class HttpLogSource implements LogSource<UpstreamEntry> {
  readonly #base: string;

  /** `url`: of the registry or of a gateway, without the path of a route. */
  constructor(url: string) {
    this.#base = url.replace(/\/+$/, '');
  }

  async head(signal: AbortSignal): Promise<RegistryHead> {
    return parse(RegistryHead, await textOf(await this.#get('/registry/head', signal), HEAD_BYTES));
  }

  /** Who may approve, and the keys the log signs with, as the log itself says. */
  async signers(signal: AbortSignal): Promise<RegistrySigners> {
    return parse(RegistrySigners, await textOf(await this.#get('/registry/signers', signal), SIGNERS_BYTES));
  }

  /** The signed note; undefined while there is none. */
  async checkpoint(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await textOf(await this.#get('/registry/tlog/checkpoint', signal), CHECKPOINT_BYTES);
    } catch (error) {
      if (error instanceof AnswerFailed && error.status === 404) return undefined;
      throw error;
    }
  }

  async after(after: number, limit: number, signal: AbortSignal): Promise<readonly UpstreamEntry[]> {
    const path = `/registry/log?after=${after}&limit=${limit}`;
    const response = await this.#get(path, signal, PAGE_TIMEOUT_MS);
    const found: UpstreamEntry[] = [];
    let bytes = 0;
    for await (const line of textLines(bodyOf(response), LINE_BYTES)) {
      found.push(entryOf(line));
      bytes += line.length;
      if (found.length === limit || bytes >= LIMITS.registry_log_page_bytes.value) break;
    }
    return found;
  }

  async #get(path: string, signal: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<Response> {
    const response = await fetch(`${this.#base}${path}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { 'accept-encoding': 'identity' },
      redirect: 'error',
    });
    if (response.status === 200) return response;
    await response.body?.cancel();
    throw new AnswerFailed(`${path.split('?', 1)[0] ?? path} was answered with ${response.status}`, response.status);
  }
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof UpstreamRefused) throw cause;
    throw new AnswerFailed('an answer is not what was asked for', undefined, cause);
  }
}

const strictJson = (text: string): unknown => parseStrictJson(Buffer.from(text), { maxDepth: LINE_DEPTH });
const parse = <T>(schema: z.ZodType<T>, text: string): T => refusing(() => schema.parse(strictJson(text)));

function entryOf(line: string): UpstreamEntry {
  return refusing(() => {
    const sent = strictJson(line);
    const entry = RegistryEntry.parse(sent);
    const { entry_b3: entryHash, leaf } = entry;
    // Of what was sent, not of what the schema made of it.
    const { leaf: sentLeaf, payload: sentPayload } = sent as { readonly leaf: unknown; readonly payload: unknown };
    const texts = { leaf: canonicalJson(sentLeaf), payload: canonicalJson(sentPayload) };
    const hashes = [texts.leaf, texts.payload].map((text) => hashBytes(Buffer.from(text)));
    if (hashes[0] !== entryHash || hashes[1] !== leaf.payload_b3) {
      throw new UpstreamRefused(`version ${leaf.version} does not hash to what it says it does`);
    }
    return { version: leaf.version, entryHash, ...texts, entry };
  });
}

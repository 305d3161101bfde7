import { isContentId } from '@macronode/content';
import {
  LIMITS,
  RegistryApproveRequest,
  type RegistryCall,
  RegistryCommitRequest,
  type RegistryConsistency,
  type RegistryHead,
  RegistryOperatorRequest,
  RegistryProposeEnvelope,
  type RegistrySigners,
  ServiceError,
} from '@macronode/contracts';
import { type DeskAnswer, RegistryDesk } from '@macronode/log-http';
import { encodeEntryBundle, formatTlogProof, parseTilePath, TILE_WIDTH } from '@macronode/log';
import { decodeJson, namesTag } from '@macronode/service';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { CommitOrigin, LogService } from './log.service.ts';
import type { StoredEntry } from './log.store.ts';
import type { Proposals } from './proposals.ts';
import type { Published } from './published.ts';
import type { GatedRoute, RouteGate } from './route-gate.ts';
import type { Witness } from './witness.ts';
import type { WriteService } from './write.service.ts';

export interface LogDeskOptions {
  readonly log: LogService;
  readonly writes: WriteService;
  readonly proposals: Proposals;
  readonly gate: RouteGate;
  readonly clock: Clock;
  /** Undefined: this node witnesses nobody. */
  readonly witness: Witness | undefined;
  /** Undefined until there is a key to sign with. */
  readonly published: Published | undefined;
  readonly signers: () => RegistrySigners;
}

type Handler = (call: RegistryCall, origin: CommitOrigin) => DeskAnswer | Promise<DeskAnswer>;

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const FOREVER = 'public, max-age=31536000, immutable';
/** When to come again for a proof: a checkpoint is there a second after its entries. */
const CHECKPOINT_RETRY_MS = 1_000;

const encode = (text: string): Uint8Array => Buffer.from(text);

function answer(
  status: number,
  type: string,
  cache: string,
  bytes: Uint8Array,
  more: Record<string, string> = {},
): DeskAnswer {
  return { status, headers: { 'content-type': type, 'cache-control': cache, ...more }, bytes };
}

const json = (status: number, value: unknown, cache = 'no-store', more: Record<string, string> = {}): DeskAnswer =>
  answer(status, JSON_TYPE, cache, encode(JSON.stringify(value)), more);

/** An entry as it is sent: leaf and payload in their canonical spelling, so that they can be hashed as they are. */
const entryText = ({ entryHash, leaf, payload }: StoredEntry): string =>
  `{"entry_b3":"${entryHash}","leaf":${leaf},"payload":${payload}}`;

/** Answers every route of the registry but the stream, whoever took the request: its own port or the gateway. */
export class LogDesk extends RegistryDesk {
  readonly #options: LogDeskOptions;
  readonly #handlers: Readonly<Record<GatedRoute, Handler>>;

  constructor(options: LogDeskOptions) {
    super();
    this.#options = options;
    this.#handlers = {
      registryHead: (call) => this.#head(call),
      registryEntry: (call) => this.#entry(call),
      registryProof: (call) => this.#proof(call),
      registryLog: (call) => this.#entries(call),
      registryConsistency: (call) => this.#consistency(call),
      registryCheckpoint: () => this.#checkpoint(),
      registryTile: (call) => this.#tile(call),
      registrySigners: () => json(200, options.signers(), 'no-cache'),
      registryProposals: () => json(200, { proposals: options.proposals.open(options.clock.wallMs()) }),
      registryProposal: (call) => json(200, options.proposals.withPayload(proposalOf(call))),
      registryAudit: (call) => this.#audit(call),
      registryPropose: (call) => this.#propose(call),
      registryApprove: (call) => this.#approve(call),
      registryCommit: (call, origin) => this.#commit(call, origin),
      registryFreeze: (call) => this.#freeze(true, call),
      registryThaw: (call) => this.#freeze(false, call),
      registryAddCheckpoint: (call) => this.#addCheckpoint(call),
    };
  }

  /** Takes a place of the route, or throws `saturated`: before its body is read. What it returns gives the place back. */
  override enter(route: string): () => void {
    return Object.hasOwn(this.#handlers, route) ? this.#options.gate.enter(route as GatedRoute) : () => undefined;
  }

  override async answer(call: RegistryCall, origin: CommitOrigin): Promise<DeskAnswer> {
    if (!Object.hasOwn(this.#handlers, call.route)) throw new ServiceError('not_found');
    return this.#handlers[call.route as GatedRoute](call, origin);
  }

  #head(call: RegistryCall): DeskAnswer {
    const { head } = this.#options.log;
    const tag = headTag(head);
    const headers = { etag: `"${tag}"` };
    if (namesTag(call.if_none_match, tag)) return { status: 304, headers: { ...headers, 'cache-control': 'no-cache' } };
    return json(200, head, 'no-cache', headers);
  }

  #entry(call: RegistryCall): DeskAnswer {
    const entry = this.#options.log.entry(versionOf(call));
    if (entry === undefined) throw new ServiceError('not_found', 'the log has no such version');
    const etag = `"${entry.entryHash}"`;
    if (namesTag(call.if_none_match, entry.entryHash)) {
      return { status: 304, headers: { etag, 'cache-control': FOREVER } };
    }
    return answer(200, JSON_TYPE, FOREVER, encode(entryText(entry)), { etag });
  }

  #proof(call: RegistryCall): DeskAnswer {
    const version = versionOf(call);
    const { log } = this.#options;
    const signed = this.#options.published?.signed;
    if (version > log.head.version) throw new ServiceError('not_found', 'the log has no such version');
    if (signed === undefined || version > signed.checkpoint.size) {
      throw new ServiceError('not_in_checkpoint', undefined, { retryAfterMs: CHECKPOINT_RETRY_MS });
    }
    const path = log.tree.inclusionProof(version - 1, signed.checkpoint.size);
    return answer(
      200,
      TEXT_TYPE,
      'no-cache',
      encode(formatTlogProof({ index: version - 1, path, checkpoint: signed })),
    );
  }

  #entries(call: RegistryCall): DeskAnswer {
    const { after, limit } = pageOf(call);
    const entries = this.#options.log.entries(after, limit);
    return {
      status: 200,
      headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-cache' },
      body: lines(entries),
    };
  }

  #consistency(call: RegistryCall): DeskAnswer {
    const { tree, head } = this.#options.log;
    const from = Number(call.query.from ?? '0');
    if (call.query.to === undefined && from > head.checkpoint_size && from <= tree.size) {
      throw new ServiceError('not_in_checkpoint', undefined, { retryAfterMs: CHECKPOINT_RETRY_MS });
    }
    const to = Number(call.query.to ?? String(head.checkpoint_size));
    if (from > to) throw new ServiceError('bad_request', 'from is larger than to');
    if (to > tree.size) throw new ServiceError('not_found', `the log has ${tree.size} entries`);
    const hashes = tree.consistencyProof(from, to).map((hash) => Buffer.from(hash).toString('base64'));
    // Without `to` the answer is another one after the next commit.
    const cache = call.query.from !== undefined && call.query.to !== undefined ? FOREVER : 'no-cache';
    return json(200, { from, to, hashes } satisfies RegistryConsistency, cache);
  }

  #checkpoint(): DeskAnswer {
    const text = this.#options.published?.text;
    if (text === undefined) throw new ServiceError('not_found', 'nothing is signed yet: the log has no signer set');
    return answer(200, TEXT_TYPE, 'no-cache', encode(text));
  }

  #tile(call: RegistryCall): DeskAnswer {
    const path = parseTilePath(`tile/${call.parameter ?? ''}`);
    if (path === undefined) throw new ServiceError('not_found', 'there is no such tile');
    const { tree, store } = this.#options.log;
    let bytes: Uint8Array | undefined;
    if (path.kind === 'hashes') bytes = tree.tile(path.level, path.index, path.width);
    else {
      const after = path.index * TILE_WIDTH;
      const leaves = after + path.width > tree.size ? [] : store.leaves(after, path.width);
      bytes = leaves.length === path.width ? encodeEntryBundle(leaves.map(encode)) : undefined;
    }
    if (bytes === undefined) throw new ServiceError('not_found', 'the log has not grown to this tile');
    return answer(200, 'application/octet-stream', FOREVER, bytes);
  }

  #audit(call: RegistryCall): DeskAnswer {
    const { after, limit } = pageOf(call);
    const records = this.#options.log.store.auditRecords(after, limit);
    const text = records.map((record) => `${record}\n`).join('');
    return answer(200, 'application/x-ndjson', 'no-store', encode(text));
  }

  async #propose(call: RegistryCall): Promise<DeskAnswer> {
    const { proposal, created } = await this.#options.writes.propose(bodyOf(call, RegistryProposeEnvelope));
    const location = `/registry/proposals/${proposal.proposal_id}`;
    return json(created ? 202 : 200, proposal, 'no-store', { location });
  }

  async #approve(call: RegistryCall): Promise<DeskAnswer> {
    return json(200, await this.#options.writes.approve(proposalOf(call), bodyOf(call, RegistryApproveRequest)));
  }

  async #commit(call: RegistryCall, origin: CommitOrigin): Promise<DeskAnswer> {
    const body = bodyOf(call, RegistryCommitRequest);
    const { committed, created } = await this.#options.writes.commit(proposalOf(call), body, origin);
    return json(created ? 201 : 200, committed, 'no-store', { location: `/registry/${committed.version}` });
  }

  async #freeze(frozen: boolean, call: RegistryCall): Promise<DeskAnswer> {
    await this.#options.writes.freeze(frozen, bodyOf(call, RegistryOperatorRequest));
    return json(200, this.#options.signers());
  }

  async #addCheckpoint(call: RegistryCall): Promise<DeskAnswer> {
    const { witness } = this.#options;
    if (witness === undefined) throw new ServiceError('not_found', 'this node is no witness: set REGISTRY_WITNESSED');
    const { status, type, body } = await witness.addCheckpoint(call.body ?? new Uint8Array());
    return answer(status, type, 'no-store', encode(body));
  }
}

/** Another one for every other head: on a replica the checkpoint comes after the version, and its size is part of both. */
function headTag({ version, entry_b3: entry, checkpoint_size: size }: RegistryHead): string {
  const tag = `v${version}-${entry?.slice(3, 11) ?? '00000000'}`;
  return size === version ? tag : `${tag}-c${size}`;
}

/** `12`: decimal, from 1, without a leading zero. */
function versionOf({ parameter = '' }: RegistryCall): number {
  const version = /^[1-9][0-9]{0,15}$/.test(parameter) ? Number(parameter) : NaN;
  if (!Number.isSafeInteger(version)) throw new ServiceError('bad_request', 'a version is a decimal number from 1');
  return version;
}

function proposalOf({ parameter = '' }: RegistryCall): string {
  if (!isContentId(parameter)) throw new ServiceError('bad_id');
  return parameter;
}

function pageOf({ query }: RegistryCall): { readonly after: number; readonly limit: number } {
  const limit = Math.min(Number(query.limit ?? LIMITS.registry_log_page.value), LIMITS.registry_log_page.value);
  if (limit === 0) throw new ServiceError('bad_request', 'limit is at least 1');
  return { after: Number(query.after ?? '0'), limit };
}

/** The body as signed JSON: no duplicate keys, no unknown fields. */
const bodyOf = <T>({ body = new Uint8Array() }: RegistryCall, schema: z.ZodType<T>): T => decodeJson(body, schema);

/** Entries as lines, ended after the one that passes the bound of an answer. */
async function* lines(entries: Iterable<StoredEntry>): AsyncIterable<Uint8Array> {
  let sent = 0;
  for (const entry of entries) {
    const line = encode(`${entryText(entry)}\n`);
    yield line;
    sent += line.length;
    if (sent >= LIMITS.registry_log_page_bytes.value) return;
  }
}

import { readFile } from 'node:fs/promises';
import {
  LIMITS,
  REGISTRY_SCHEMA_VERSION,
  RegistryGenesis,
  type RegistryHead,
  RegistryPayload,
  type RegistrySigners,
} from '@macronode/contracts';
import { type StrictJsonLimits, parseStrictJson } from '@macronode/content';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';

/** What a proposal is made of, as the command line names it. Exactly one of the first five. */
export interface DraftOptions {
  readonly items?: string;
  readonly signers?: string;
  readonly payload?: string;
  readonly seal?: string;
  readonly supersede?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly ttl: number;
}

/** What of a payload is not bound by its place in the log. */
type Content = Readonly<Record<string, unknown>>;

const SOURCES = ['items', 'signers', 'payload', 'seal', 'supersede'] as const;
const JSON_LIMITS: StrictJsonLimits = { maxDepth: LIMITS.json_depth.value };

/** Reads a JSON file as strictly as the node reads it: no member twice. */
async function readJson(file: string): Promise<unknown> {
  const bytes = await readFile(file);
  try {
    return parseStrictJson(bytes, JSON_LIMITS);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.error, `${file} is not JSON that can be signed: ${why}`, { cause });
  }
}

/** A list of descriptors, alone or under `items`. */
async function readItems(file: string): Promise<unknown> {
  const value = await readJson(file);
  return Array.isArray(value) ? value : ((value as { items?: unknown } | null)?.items ?? value);
}

/** What the proposal says; its place in the log is added by {@link draftPayload}. Asks no node. */
export async function readContent(options: DraftOptions): Promise<Content> {
  const given = SOURCES.filter((name) => options[name] !== undefined);
  const [source] = given;
  if (source === undefined || given.length > 1) {
    throw new Failure(EXIT.usage, `a proposal needs one of ${SOURCES.map((name) => `--${name}`).join(', ')}`);
  }
  if (source !== 'supersede' && (options.reason !== undefined || options.note !== undefined)) {
    throw new Failure(EXIT.usage, '--reason and --note go with --supersede');
  }
  const value = options[source] ?? '';
  switch (source) {
    case 'items':
      return { kind: 'set', items: await readItems(value) };
    case 'supersede': {
      if (options.reason === undefined) throw new Failure(EXIT.usage, '--supersede needs --reason');
      const { reason, note = '' } = options;
      return { kind: 'supersede', reason, note, items: await readItems(value) };
    }
    case 'signers':
      return signersOf(value, await readJson(value));
    case 'seal': {
      const cut = value.indexOf('=');
      if (cut < 1) throw new Failure(EXIT.usage, '--seal names the log that goes on and its key: LOG=VKEY');
      return { kind: 'seal', successor: { log: value.slice(0, cut), vkey: value.slice(cut + 1) } };
    }
    case 'payload': {
      const content = await readJson(value);
      if (typeof content === 'object' && content !== null) return content as Content;
      throw new Failure(EXIT.error, `${value} is not a payload`, { hint: 'it is an object with kind and its members' });
    }
  }
}

function signersOf(file: string, value: unknown): Content {
  const genesis = RegistryGenesis.safeParse(value);
  if (!genesis.success) {
    throw new Failure(EXIT.error, `${file} is not a set of signers: ${firstIssue(genesis.error)}`, {
      hint: 'write one with: ronctl registry keygen --genesis',
    });
  }
  return { kind: 'signers', ...genesis.data };
}

const firstIssue = (error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }): string => {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim();
};

/**
 * The payload that comes next: what the options say, bound to the head and the signers in force. A file may bind itself
 * already; what it says then stands, and the node judges it.
 */
export function draftPayload(
  content: Content,
  head: RegistryHead,
  { log, version }: RegistrySigners,
  expiresAt: Date,
): RegistryPayload {
  if (content['log'] !== undefined && content['log'] !== log) {
    throw new Failure(EXIT.error, `the file is of the log ${String(content['log'])}, this one is ${log}`);
  }
  if (content['kind'] === 'supersede' && head.entry_b3 === null) {
    throw new Failure(EXIT.error, 'the log is empty: there is nothing to supersede', {
      hint: 'propose the first version with: ronctl registry propose --items FILE',
    });
  }
  const bound = {
    schema_version: REGISTRY_SCHEMA_VERSION,
    log,
    version: head.version + 1,
    prev_hash: head.entry_b3,
    signer_set_version: version,
    expires_at: expiresAt.toISOString(),
    ...(content['kind'] === 'supersede' ? { supersede_of: head.entry_b3 } : {}),
  };
  const payload = RegistryPayload.safeParse({ ...bound, ...content });
  if (payload.success) return payload.data;
  throw new Failure(EXIT.error, `this is no payload: ${firstIssue(payload.error)}`);
}

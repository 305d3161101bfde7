import { Members } from './members.ts';
import { SIGNER_MEMBERS } from './signer-set.ts';

/** Members every payload has, whatever its kind. */
const BOUND = ['schema_version', 'log', 'version', 'prev_hash', 'signer_set_version', 'expires_at', 'kind'] as const;

const ITEM: ReadonlySet<string> = new Set(['id', 'kind', 'addr', 'attrs']);
const SUCCESSOR: ReadonlySet<string> = new Set(['log', 'vkey']);
const POLICY: ReadonlySet<string> = new Set(['version', 'bundle']);
const ROOT_KEY: ReadonlySet<string> = new Set(['key_id', 'digest', 'not_after']);

interface Shape {
  readonly members: ReadonlySet<string>;
  readonly inner: (payload: Members) => void;
}

const shape = (own: readonly string[], inner: (payload: Members) => void): Shape => ({
  members: new Set([...BOUND, ...own]),
  inner,
});

const each = (payload: Members, list: string, what: string, members: ReadonlySet<string>): void => {
  for (const value of payload.list(list)) new Members(what, value).only(members);
};

const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['set', shape(['items'], (payload) => each(payload, 'items', 'an item', ITEM))],
  [
    'supersede',
    shape(['supersede_of', 'reason', 'note', 'items'], (payload) => each(payload, 'items', 'an item', ITEM)),
  ],
  ['signers', shape(['m', 'k_pq', 'signers'], (payload) => each(payload, 'signers', 'a signer', SIGNER_MEMBERS))],
  ['seal', shape(['successor'], (payload) => new Members('the successor', payload.value('successor')).only(SUCCESSOR))],
  ['policy', shape(['policy'], (payload) => new Members('the policy', payload.value('policy')).only(POLICY))],
  ['root_keys', shape(['root_keys'], (payload) => each(payload, 'root_keys', 'a root key', ROOT_KEY))],
]);

export const isKind = (kind: string): boolean => SHAPES.has(kind);

/** Fails when a payload, or a thing in it, has a member its kind does not know: approved by all, and read by nobody. */
export function checkPayloadShape(kind: string, payload: Members): void {
  const { members, inner } = SHAPES.get(kind) ?? shape([], () => undefined);
  payload.only(members);
  inner(payload);
}

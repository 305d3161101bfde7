import { Members } from './members.ts';
import { SIGNER_MEMBERS } from './signer-set.ts';

/** Members every payload has, whatever its kind. */
const BOUND = ['schema_version', 'log', 'version', 'prev_hash', 'signer_set_version', 'expires_at', 'kind'] as const;

const ITEM: ReadonlySet<string> = new Set(['id', 'kind', 'addr', 'attrs']);
const SUCCESSOR: ReadonlySet<string> = new Set(['log', 'vkey']);
const POLICY: ReadonlySet<string> = new Set(['version', 'bundle']);
const ROOT_KEY: ReadonlySet<string> = new Set(['key_id', 'digest', 'not_after']);

/** Fails when a payload, or a thing in it, has a member its kind does not know: approved by all, and read by nobody. */
type Shape = (payload: Members) => void;

function shape(own: readonly string[], inner: Shape): Shape {
  const members = new Set([...BOUND, ...own]);
  return (payload) => {
    payload.only(members);
    inner(payload);
  };
}

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

/** What a payload of a kind must be like; undefined for a kind nobody knows. */
export const shapeOf = (kind: string): Shape | undefined => SHAPES.get(kind);

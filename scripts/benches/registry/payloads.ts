import { type Descriptor, LIMITS, REGISTRY_SCHEMA_VERSION, type RegistryPayload } from '@macronode/contracts';
import { RIG_LOG } from '../../rig/registry-signers.ts';

const KIB = 1_024;
/** A descriptor as operators write them: about 250 bytes. */
const ATTRS = { region: 'eu-central', role: 'storage', build: '2026.11.27', contact: 'noc@example.org' };

/** What a payload takes beside its descriptors. */
const FRAME_BYTES = 400;

/** Sizes an approval is measured with: the last is as much as one payload may have. */
export const PAYLOAD_BYTES: readonly { readonly label: string; readonly bytes: number }[] = [
  { label: '1 KiB', bytes: KIB },
  { label: '64 KiB', bytes: 64 * KIB },
  { label: '960 KiB', bytes: LIMITS.registry_payload_bytes.value },
];

/** So many descriptors that their JSON is at most so long, padded to come near it. */
function descriptorsOf(bytes: number): readonly Descriptor[] {
  const items: Descriptor[] = [];
  for (let used = 0; items.length < LIMITS.registry_items.value;) {
    const id = `node-${items.length}`;
    const item = { id, kind: 'node', addr: `https://${id}.example:443/`, attrs: ATTRS };
    used += JSON.stringify(item).length + 1;
    if (used > bytes) break;
    items.push(item);
  }
  const left = bytes - JSON.stringify(items).length;
  const [first = { id: 'node', kind: 'node', addr: '' }, ...rest] = items;
  const pad = '"pad":"",'.length;
  return left <= pad ? items : [{ ...first, attrs: { ...first.attrs, pad: 'x'.repeat(left - pad) } }, ...rest];
}

/** A payload that is about so long in its canonical form, never longer. */
export function payloadOf(bytes: number, version = 1, prevHash: string | null = null): RegistryPayload {
  return {
    schema_version: REGISTRY_SCHEMA_VERSION,
    log: RIG_LOG,
    version,
    prev_hash: prevHash,
    signer_set_version: 0,
    expires_at: '2026-12-31T00:00:00.000Z',
    kind: 'set',
    items: [...descriptorsOf(bytes - FRAME_BYTES)],
  };
}

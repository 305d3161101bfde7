import type { RegistryPayload, RegistryProposal, RegistryQuorum } from '@macronode/contracts';

/** What a payload would do, in rows for whoever is about to sign it. */
export function payloadRows(payload: RegistryPayload): string[][] {
  return [
    ['log', payload.log],
    ['version', String(payload.version)],
    ['kind', payload.kind],
    ...contentRows(payload),
    ['continues', payload.prev_hash ?? 'nothing: it is the first'],
    ['expires', payload.expires_at],
  ];
}

function contentRows(payload: RegistryPayload): string[][] {
  switch (payload.kind) {
    case 'set':
      return [['items', String(payload.items.length)]];
    case 'supersede':
      return [
        ['replaces', payload.supersede_of],
        ['reason', payload.reason],
        ...(payload.note === '' ? [] : [['note', payload.note]]),
        ['items', String(payload.items.length)],
      ];
    case 'signers':
      return [
        ['quorum', `${payload.m} of ${payload.signers.length}, ${payload.k_pq} of them post-quantum`],
        ...payload.signers.map(({ signer_id, algo, public_key }) => [
          'signer',
          `${signer_id} ${algo} ${public_key.slice(0, 16)}…`,
        ]),
      ];
    case 'seal':
      return [['ends for', `${payload.successor.log} ${payload.successor.vkey}`]];
    case 'policy':
      return [['policy', `${payload.policy.version} ${payload.policy.bundle}`]];
    case 'root_keys':
      return payload.root_keys.map(({ key_id, not_after }) => ['root key', `${key_id} until ${not_after}`]);
  }
}

const countOf = ({ m, k_pq, approved, approved_pq }: Omit<RegistryQuorum, 'met' | 'incoming'>): string => {
  const pq = k_pq === 0 ? '' : `, post-quantum ${approved_pq} of ${k_pq}`;
  return `${approved} of ${m}${pq}`;
};

/** How far approvals go, and what is missing. */
export function quorumText({ incoming, met, ...current }: RegistryQuorum): string {
  const brings = incoming === undefined ? '' : `, of the signers it brings ${countOf(incoming)}`;
  return `${countOf(current)}${brings}${met ? ', enough' : ''}`;
}

/** What to do with a proposal as it stands. */
export function nextStep({ proposal_id, state, quorum }: RegistryProposal): string | undefined {
  if (state !== 'open') return undefined;
  const verb = quorum.met ? 'commit' : 'approve';
  return `next: ronctl registry ${verb} ${proposal_id} --key FILE --signer ID`;
}

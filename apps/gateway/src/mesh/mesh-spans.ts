import type { MeshTrace } from '@macronode/mesh';
import { type BackgroundSpan, type BackgroundSpans, TRACING_LIMITS } from '@macronode/service';

type Round = MeshTrace['rounds'][number];
type ClaimEvent = MeshTrace['claims'][number];

const roundSpan = ({ startedAt, ms, ok, ...round }: Round): BackgroundSpan => ({
  name: 'mesh round',
  startedAtMs: startedAt,
  endedAtMs: startedAt + ms,
  attributes: {
    'macronode.mesh.client': round.client,
    'macronode.mesh.peers': round.peers,
    'macronode.mesh.bytes_in': round.bytesIn,
    'macronode.mesh.bytes_out': round.bytesOut,
    'macronode.mesh.merged': round.merged,
    'macronode.mesh.dropped': round.dropped,
  },
  failure: ok ? undefined : 'the comparison broke off',
});

const claimEvent = ({ at, outcome, kind, source }: ClaimEvent): NonNullable<BackgroundSpan['events']>[number] => ({
  name: 'mesh claim',
  atMs: at,
  attributes: {
    'macronode.mesh.outcome': outcome,
    ...(kind !== undefined && { 'macronode.mesh.kind': kind }),
    ...(source !== undefined && { 'macronode.mesh.source': source }),
  },
});

/** As many spans as it takes for each claim to keep its event. */
function* claimSpans(claims: readonly ClaimEvent[], lost: number): Generator<BackgroundSpan> {
  for (let from = 0; from < claims.length; from += TRACING_LIMITS.spanEvents) {
    const some = claims.slice(from, from + TRACING_LIMITS.spanEvents);
    const times = some.map(({ at }) => at);
    yield {
      name: 'mesh claims',
      startedAtMs: Math.min(...times),
      endedAtMs: Math.max(...times),
      attributes: { 'macronode.mesh.claims': some.length, 'macronode.mesh.untold': lost },
      events: some.map(claimEvent),
    };
  }
}

/** Makes spans of what the mesh thread tells: one for each comparison with a peer, and events of claims. */
export const traceMesh =
  (spans: BackgroundSpans) =>
  ({ rounds, claims, lost }: MeshTrace): void => {
    for (const round of rounds) spans(roundSpan(round));
    for (const span of claimSpans(claims, lost)) spans(span);
  };

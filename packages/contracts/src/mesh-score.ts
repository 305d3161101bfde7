/** What an answer tells of its client's score; a copy that a client sends is taken off at the edge. */
export const MESH_SCORE_HEADER = 'x-macronode-mesh-score';

/** What the mesh says of a client, as it travels in the frames of its requests. */
export interface MeshScore {
  /** 0 to 1; higher is worse. */
  readonly score: number;
  /** Distinct gateways that say so; 0 once what they said has faded until none counts as one. */
  readonly sources: number;
}

const SCORE = 'mesh_score';
const SOURCES = 'mesh_sources';
const SCORE_TEXT = /^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/;
const SOURCES_TEXT = /^(?:0|[1-9]\d{0,5})$/;

/** The metadata of a frame: the score as text with three decimals, and how many say so. */
export const meshMetadata = (score: string, sources: number): Readonly<Record<string, string>> => ({
  [SCORE]: score,
  [SOURCES]: String(sources),
});

/** What the metadata of a frame says of its client; undefined where the mesh is off, says nothing, or what it says is malformed. */
export function readMeshMetadata(metadata: Readonly<Record<string, string>>): MeshScore | undefined {
  const { [SCORE]: score, [SOURCES]: sources } = metadata;
  // Nearly every frame.
  if (score === undefined || sources === undefined) return undefined;
  if (!SCORE_TEXT.test(score) || !SOURCES_TEXT.test(sources)) return undefined;
  return { score: Number(score), sources: Number(sources) };
}

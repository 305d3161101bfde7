import { SCHEMA_VERSION, TAG } from '../../panels/dashboard-json.ts';
import { dashboardJson } from '../../panels/dashboard-json.ts';
import { ofBoard, type Rule } from '../rule.ts';

/** D1 to D4: what a dashboard is called, and that it is the file its declaration gives. */
export const identityRules: readonly Rule[] = [
  ofBoard('D1', ({ json: { uid, title, tags } }) => {
    if (!/^macronode-[a-z]+$/.test(uid)) return `uid ${uid} is not macronode- and a word`;
    if (!title.startsWith('Macronode / ')) return `title ${title} does not begin with the product`;
    return tags.length !== 1 || tags[0] !== TAG ? `tags are ${tags.join(', ')}, not ${TAG} alone` : false;
  }),
  ofBoard(
    'D2',
    ({ json }) => json.schemaVersion !== SCHEMA_VERSION && `schema ${json.schemaVersion}, not ${SCHEMA_VERSION}`,
  ),
  ofBoard(
    'D3',
    ({ json }) =>
      (json.editable || json.id !== null || json.version !== 1) && 'editable, numbered, or with a version that moves',
  ),
  ofBoard(
    'D4',
    ({ board, json }) =>
      JSON.stringify(dashboardJson(board)) !== JSON.stringify(json) && 'not what its declaration generates',
  ),
];

import { NameRecord, ROUTES } from '@macronode/contracts';
import { pathOf, type Answer, type NodeClient } from './node-client.ts';

export interface NameShown {
  readonly record: NameRecord;
  readonly etag: string;
  readonly created: boolean;
  readonly corr_id: string;
}

export interface NameConditions {
  /** The ETag the record must have now. */
  readonly ifMatch?: string;
  /** The name must not exist yet. */
  readonly mustBeNew: boolean;
}

const shown = (record: NameRecord, answer: Answer): NameShown => ({
  record,
  etag: answer.headers.etag ?? '',
  created: answer.status === 201,
  corr_id: answer.corrId,
});

/** Points a name at an object; the node signs the record with its own key. */
export async function setName(
  client: NodeClient,
  name: string,
  target: string,
  conditions: NameConditions,
): Promise<NameShown> {
  const { value, answer } = await client.json(
    {
      method: 'PUT',
      path: pathOf(ROUTES.namePut.template, name),
      headers: {
        'content-type': 'application/json',
        ...(conditions.ifMatch === undefined ? {} : { 'if-match': quoted(conditions.ifMatch) }),
        ...(conditions.mustBeNew ? { 'if-none-match': '*' } : {}),
      },
      body: Buffer.from(JSON.stringify({ target })),
    },
    NameRecord,
  );
  return shown(value, answer);
}

export async function getName(client: NodeClient, name: string): Promise<NameShown> {
  const { value, answer } = await client.json(
    { method: 'GET', path: pathOf(ROUTES.nameGet.template, name) },
    NameRecord,
  );
  return shown(value, answer);
}

/** An entity tag as the header wants it, whether or not the shell ate the quotes. */
const quoted = (etag: string): string => (etag === '*' || etag.startsWith('"') ? etag : `"${etag}"`);

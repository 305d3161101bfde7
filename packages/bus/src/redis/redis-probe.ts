import type { RedisConnection } from './redis-connection.ts';
import type { RedisLinkEvent } from './redis-options.ts';
import { asText } from './redis-replies.ts';

/** First version with the parts of XAUTOCLAIM, functions flags and stream readings that the link builds on. */
const OLDEST_MAJOR = 7;

/** Looks at the server once: too old is an error, a set-up that can lose entries is told. */
export async function probeRedis(connection: RedisConnection, onEvent: (event: RedisLinkEvent) => void): Promise<void> {
  let server: ReadonlyMap<string, string>;
  try {
    const [about, memory] = await Promise.all([
      connection.command('info', ['server']),
      connection.command('info', ['memory']),
    ]);
    server = new Map([...fieldsOf(asText(about)), ...fieldsOf(asText(memory))]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    onEvent({ type: 'misconfigured', message: `INFO is not allowed, so the server was not examined: ${message}` });
    return;
  }
  const version = server.get('redis_version') ?? '';
  if (version !== '' && Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw new Error(`Redis 7.0 or newer is needed (or Valkey 8); this is ${version}`);
  }
  const policy = server.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    onEvent({
      type: 'misconfigured',
      message: `maxmemory-policy is ${policy}: it deletes whole streams; set noeviction`,
    });
  }
}

function fieldsOf(info: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of info.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

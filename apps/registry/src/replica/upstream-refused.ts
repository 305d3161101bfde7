/** Thrown for an entry, a checkpoint or a log that is not what it must be: it is never served. */
export class UpstreamRefused extends Error {
  override readonly name = 'UpstreamRefused';
}

// Whether the audit log of a gateway is whole, from its file and the key.
import { z } from 'zod';
import { ronctl } from './ronctl.ts';

/** What of the verifier's report is looked at. */
const Report = z.object({
  records: z.int(),
  chains: z.int(),
  by_kind: z.record(z.string(), z.int()),
  lost: z.object({ full: z.int(), write_failed: z.int() }),
});
type MeshAuditReport = z.infer<typeof Report>;

/** Has the verifier of the command line recompute every record and link; a text says what is wrong. */
export async function verifyMeshAudit(file: string, key: string): Promise<MeshAuditReport | string> {
  const { ok, output, said } = await ronctl(['audit', 'verify', file, '--json'], { AUDIT_HMAC_KEY: key });
  return ok ? Report.parse(JSON.parse(output)) : said;
}

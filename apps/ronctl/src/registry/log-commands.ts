import { once } from 'node:events';
import type { Command } from 'commander';
import { integer } from '../command-line.ts';
import { formatCount, Progress } from '../progress.ts';
import { note, print, type Terminal } from '../terminal.ts';
import { AuditChain, auditLines } from './audit-chain.ts';
import { followLog, logLines } from './log-reader.ts';
import { opened } from './registry-arguments.ts';

const ANY = Number.MAX_SAFE_INTEGER;
const version = integer(0, ANY);
const amount = integer(1, ANY);

interface LogOptions {
  readonly after: number;
  readonly limit?: number;
  readonly follow: boolean;
}

interface AuditOptions {
  readonly after: number;
  readonly limit?: number;
  readonly verify: boolean;
}

/** Writes lines as they come, no faster than they are taken. */
async function writeLines(terminal: Terminal, lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) {
    if (!terminal.stdout.write(`${line}\n`)) await once(terminal.stdout, 'drain', { signal: terminal.signal });
  }
}

/** `log` and `audit`: what was committed, and what was asked, as JSON lines. */
export function addLogCommands(registry: Command, terminal: Terminal): void {
  registry
    .command('log')
    .description('versions with their payloads, one JSON document a line')
    .option('--after <version>', 'those after this version', version, 0)
    .option('--limit <n>', 'at most this many (default: all)', amount)
    .option('--follow', 'wait for those to come', false)
    .action(async ({ after, limit = ANY - after, follow }: LogOptions, self: Command) => {
      const { registry: client } = opened(self, terminal);
      const span = { after, limit };
      if (!follow) return writeLines(terminal, logLines(client, span));
      const onBroken = (why: string, waitMs: number): void =>
        note(terminal, `ronctl: ${why}; asking again in ${(waitMs / 1_000).toFixed(1)} s`);
      return writeLines(terminal, followLog(client, { span, signal: terminal.signal, onBroken }));
    });
  registry
    .command('audit')
    .description('what was asked of the log and what became of it, one JSON document a line')
    .option('--after <seq>', 'records after this number', version, 0)
    .option('--limit <n>', 'at most this many (default: all)', amount)
    .option('--verify', 'recompute the chain instead of printing it', false)
    .action(async ({ after, limit = ANY - after, verify }: AuditOptions, self: Command) => {
      const { registry: client, json } = opened(self, terminal);
      const lines = auditLines(client, { after, limit });
      if (!verify) return writeLines(terminal, lines);
      const chain = new AuditChain(after);
      const progress = new Progress(terminal, 'records', undefined, formatCount);
      try {
        for await (const line of lines) {
          chain.add(line);
          progress.add(1);
        }
      } finally {
        progress.end();
      }
      const { verified } = chain;
      print(terminal, json, verified, () => [
        `${verified.records} records, ${verified.first_seq ?? '-'} to ${verified.last_seq ?? '-'}, are one chain`,
      ]);
      if (!json && (verified.first_seq ?? 1) > 1 && after === 0)
        note(terminal, 'older records were removed, as the node is set to');
    });
}

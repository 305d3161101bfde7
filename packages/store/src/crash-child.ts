import { MetricsRegistry } from '@macronode/metrics';
import { siblingModule, statement } from './command.ts';
import type { commands } from './conformance.commands.ts';
import { openStore } from './open-store.ts';

/**
 * The process the crash and fault tests kill: `<file> <producers> <writes each>`. Prints a line per acknowledged key,
 * a line `! <error name>` per refused one, and at the end how many rows its own reader still sees.
 */
const [file = '', producers = '1', writes = '1'] = process.argv.slice(2);
const store = await openStore<typeof commands>({
  location: { file },
  module: siblingModule('./conformance.commands', import.meta.url),
  metrics: new MetricsRegistry().scope({ service: 'test' }),
});

/** A pipe is written to at once, so that no acknowledged line is lost in the buffers of a process that is killed. */
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function produce(producer: number): Promise<void> {
  for (let n = 0; n < Number(writes); n++) {
    const key = `${process.pid}-${producer}-${n}`;
    try {
      await store.write('insert', { key });
      print(key);
    } catch (error) {
      print(`! ${error instanceof Error ? error.name : String(error)}`);
    }
  }
}

print('open');
await Promise.all(Array.from({ length: Number(producers) }, (_, producer) => produce(producer)));
print(`rows ${String(statement(store.reader, 'SELECT count(*) AS n FROM item').get()?.['n'])}`);
await store.close();

// What a profile says, as a page and as JSON. Pure.
import type { Task } from '@macronode/contracts';
import { charges, functionTimes, partTimes, type Place, type StackNode } from './cpu-profile.ts';
import { allocators, type HeapProfile } from './heap-profile.ts';
import type { LoopReading } from './loop-watch.ts';
import type { Turn } from './turns.ts';

const ROWS = 20;
const HEAP_ROWS = 15;
const MICROS_PER_MS = 1_000;
const KIB = 1_024;

/** One flow of the load, and what it cost. */
export interface FlowFigures {
  readonly flow: string;
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  /** CPU microseconds a request took of each process. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  /** Share of the machine that went to processes that are not ours (0 to 1). */
  readonly foreignShare: number;
}

export interface ProfileFindings {
  readonly service: string;
  readonly date: string;
  readonly revision: string;
  readonly command: string;
  readonly machine: string;
  readonly users: number;
  readonly flows: readonly FlowFigures[];
  readonly tree: StackNode;
  readonly loop: LoopReading;
  readonly turns: readonly Turn[];
  readonly heap: HeapProfile;
  readonly tasks: readonly Task[];
}

const percent = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);
const named = ({ name, at }: Place): string => `\`${name}\`${at === '' ? '' : ` ${at}`}`;
const ms = (value: number | null): string => (value === null ? '-' : value < 10 ? value.toFixed(1) : value.toFixed(0));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((cell, at) => Math.max(3, cell.length, ...escaped.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...escaped.map(line)].join('\n');
}

function loadPart({ flows, users }: ProfileFindings): string {
  const processes = [...new Set(flows.flatMap(({ cpuMicros }) => Object.keys(cpuMicros)))];
  const rows = flows.map(({ flow, requests, failed, seconds, cpuMicros, foreignShare }) => [
    flow,
    (requests / seconds).toFixed(0),
    String(failed),
    ...processes.map((name) => (cpuMicros[name] ?? 0).toFixed(0)),
    percent(foreignShare, 1),
  ]);
  const head = ['flow', 'req/s', 'failed', ...processes.map((name) => `µs ${name}`), 'machine used by others'];
  return `${users} users, each going round as fast as it is answered. µs: CPU of all threads a request, before anything was profiled.\n\n${table(head, rows)}`;
}

function cpuPart({ tree, loop }: ProfileFindings): string {
  const { total } = tree;
  const charged = charges(tree).slice(0, ROWS);
  const threads = tree.children.map(({ place, total: own }) => `${place.name} ${(own / MICROS_PER_MS).toFixed(0)} ms`);
  const cpu = loop.cpuMs.user + loop.cpuMs.system;
  return [
    `Samples of wall time without idling: ${threads.join(', ')}. The process took ${cpu.toFixed(0)} ms of CPU ` +
      `(${percent(loop.cpuMs.system, cpu)} in the kernel): what the samples have beyond that, a thread waited for a disk or a processor.`,
    '### By part',
    table(
      ['part', 'share'],
      partTimes(tree)
        .slice(0, ROWS)
        .map(({ part, self }) => [part, percent(self, total)]),
    ),
    '### By the innermost function of ours on the stack',
    table(
      ['function', 'share', 'of it, by what was on top'],
      charged.map(({ place, micros, tops }) => [
        named(place),
        percent(micros, total),
        tops
          .slice(0, 3)
          .map((top) => `${top.name} ${percent(top.micros, total)}`)
          .join(', '),
      ]),
    ),
    '### By self time',
    table(
      ['function', 'self', 'with callees'],
      functionTimes(tree)
        .slice(0, ROWS)
        .map(({ place, self, total: own }) => [named(place), percent(self, total), percent(own, total)]),
    ),
  ].join('\n\n');
}

function loopPart({ loop, turns }: ProfileFindings): string {
  const { delayMs, utilization, gc } = loop;
  const delays = table(
    ['delay of a timer due every 2 ms', 'p50', 'p90', 'p99', 'max', 'loop busy'],
    [['ms', ms(delayMs.p50), ms(delayMs.p90), ms(delayMs.p99), ms(delayMs.max), percent(utilization, 1)]],
  );
  const collections = table(
    ['garbage collection', 'count', 'ms in all', 'ms longest'],
    gc.map(({ kind, count, totalMs, maxMs }) => [kind, String(count), ms(totalMs), ms(maxMs)]),
  );
  const longest = turns.map(({ atMs, ms: took, cpuMs, stack }, at) => {
    const frames = stack.map((place) => `   ${place.name}${place.at === '' ? '' : ` (${place.at})`}`).join('\n');
    const cpu = cpuMs === undefined ? '' : `, ${cpuMs.toFixed(1)} ms of CPU`;
    return `${at + 1}. ${took.toFixed(1)} ms${cpu}, ${(atMs / 1_000).toFixed(1)} s after the start, most of it below:\n\n   \`\`\`text\n${frames}\n   \`\`\``;
  });
  return [delays, collections, '### Longest turns of the event loop', longest.join('\n\n')].join('\n\n');
}

function tasksPart({ tasks }: ProfileFindings): string {
  const busy = tasks.filter(({ held, waiting }) => held > 0 || waiting > 0);
  const amount = (value: number, unit: Task['unit']): string =>
    unit === 'bytes' ? `${Math.ceil(value / KIB)} KiB` : String(value);
  const rows = busy.map((task) => [
    task.kind,
    task.name,
    amount(task.held, task.unit),
    task.bound === null ? '-' : amount(task.bound, task.unit),
    ms(task.oldest_ms),
    String(task.waiting),
    ms(task.oldest_waiting_ms),
  ]);
  const head = ['kind', 'name', 'held', 'bound', 'oldest ms', 'waiting', 'oldest waiting ms'];
  return rows.length === 0 ? 'Nothing was held, queued or running at any reading.' : table(head, rows);
}

function heapPart({ heap, loop }: ProfileFindings): string {
  const all = allocators(heap);
  const sum = all.reduce((total, { bytes }) => total + bytes, 0);
  const mib = (bytes: number): string => `${(bytes / KIB / KIB).toFixed(0)} MiB`;
  const { usedBytes, totalBytes, externalBytes } = loop.heap;
  return [
    `At the end ${mib(usedBytes)} of the heap were used of ${mib(totalBytes)}, ${mib(externalBytes)} of buffers outside it. ` +
      `Sampled allocations of the main thread, garbage included: ${mib(sum)}.`,
    table(
      ['function', 'share of allocations'],
      all.slice(0, HEAP_ROWS).map(({ place, bytes }) => [named(place), percent(bytes, sum)]),
    ),
  ].join('\n\n');
}

const LESSON = '## What it taught';

/** What somebody wrote into an earlier report: it is theirs, and stays. */
export function lessonOf(page: string): string | undefined {
  const from = page.indexOf(`${LESSON}\n`);
  if (from === -1) return undefined;
  const rest = page.slice(from + LESSON.length);
  const end = rest.indexOf('\n## ');
  return rest.slice(0, end === -1 ? undefined : end).trim();
}

/** The page. `flamegraph` is the path of the picture from it, `lesson` what the reader should take from all this. */
export function reportPage(findings: ProfileFindings, flamegraph: string, lesson: string | undefined): string {
  const { service, date, revision, command, machine } = findings;
  return `${[
    `# Profile of ${service}`,
    `\`${command}\`, ${date.slice(0, 10)}, revision ${revision}, ${machine}.`,
    LESSON,
    lesson ?? 'Nobody has written it down yet.',
    '## Load',
    loadPart(findings),
    '## CPU',
    `[Flame graph](${flamegraph}): hover for numbers, click to zoom, type to search.`,
    cpuPart(findings),
    '## Event loop',
    loopPart(findings),
    '## Semaphores, queues, handlers',
    'The most that was seen of each, read four times a second.',
    tasksPart(findings),
    '## Heap',
    heapPart(findings),
  ].join('\n\n')}\n`;
}

/** The same as data, without the tree and the raw heap. */
export function reportJson(findings: ProfileFindings): object {
  const { tree, heap, loop, ...rest } = findings;
  const { returns: _, ...loopFigures } = loop;
  return {
    ...rest,
    loop: loopFigures,
    parts: partTimes(tree),
    functions: functionTimes(tree).slice(0, ROWS),
    charges: charges(tree).slice(0, ROWS),
    allocators: allocators(heap).slice(0, HEAP_ROWS),
  };
}

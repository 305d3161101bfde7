// Boards drawn from live answers for people to look at: not Grafana's own drawing, and it says so.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Board, PanelSpec } from '../../grafana/panel.ts';
import { requireProgram } from '../programs.ts';
import type { QuerySeries } from '../prometheus.ts';
import type { PanelAnswer } from './live.ts';

const WIDTH = 1_440;
const UNIT_WIDTH = (WIDTH - 40) / 24;
const UNIT_HEIGHT = 26;
const COLOURS = [
  '#73bf69',
  '#5794f2',
  '#f2cc0c',
  '#b877d9',
  '#ff9830',
  '#8ab8ff',
  '#96d98d',
  '#ffcb7d',
  '#ca95e5',
  '#fade2a',
];

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function spelled(value: number, unit: PanelSpec['unit']): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(3))} %`;
  if (unit === 's')
    return value < 1 ? `${Number((value * 1_000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`;
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  const base = unit === 'bytes' || unit === 'Bps' ? 1_024 : 1_000;
  let [scaled, at] = [value, 0];
  while (Math.abs(scaled) >= base && at < prefixes.length - 1) [scaled, at] = [scaled / base, at + 1];
  return `${Number(scaled.toPrecision(3))} ${prefixes[at] ?? ''}${unit === 'bytes' ? 'B' : unit === 'Bps' ? 'B/s' : ''}`.trim();
}

const nameOf = (legend: string, { metric }: QuerySeries): string =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => metric[label] ?? '');

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const linesOf = (panel: PanelSpec, answer: PanelAnswer): readonly Line[] =>
  panel.targets.flatMap(({ legend }, index) =>
    (answer.drawn[index] ?? []).map((series) => ({
      name: nameOf(legend, series),
      points: (series.values ?? []).map(([at, value]) => [at, Number(value)] as const),
    })),
  );

/** Seconds between two points; a longer gap is no data, and is not drawn over. */
const smallestStep = (lines: readonly Line[]): number =>
  Math.min(...lines.flatMap(({ points }) => points.slice(1).map(([at], i) => at - (points[i]?.[0] ?? at))));

/** Observations per bucket and moment, the more the brighter; series are cumulative, by `le`. */
function heatmap(lines: readonly Line[], width: number, height: number): string {
  const edges = lines
    .map(({ name, points }) => ({ edge: name === '+Inf' ? Infinity : Number(name), values: new Map(points) }))
    .sort((a, b) => a.edge - b.edge);
  const moments = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  if (moments.length === 0) return '<p class="none">no data</p>';
  const cells = moments.flatMap((at, column) =>
    edges.map(({ values }, row) => {
      const below = row === 0 ? 0 : (edges[row - 1]?.values.get(at) ?? 0);
      return { column, row, count: Math.max(0, (values.get(at) ?? 0) - below) };
    }),
  );
  const most = Math.max(...cells.map(({ count }) => count), 1e-9);
  const [w, h] = [width / moments.length, height / edges.length];
  const drawn = cells
    .filter(({ count }) => count > 0)
    .map(
      ({ column, row, count }) =>
        `<rect x="${(column * w).toFixed(1)}" y="${(height - (row + 1) * h).toFixed(1)}" width="${(w + 0.3).toFixed(1)}" height="${(h - 0.5).toFixed(1)}" fill="#ff9830" opacity="${(0.15 + 0.85 * (count / most)).toFixed(2)}"/>`,
    );
  return `<svg width="${width}" height="${height}">${drawn.join('')}</svg>`;
}

function plot(panel: PanelSpec, lines: readonly Line[], width: number, height: number): string {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return '<p class="none">no data</p>';
  const limit = panel.limit?.value;
  const [from, to] = [Math.min(...points.map(([at]) => at)), Math.max(...points.map(([at]) => at))];
  const highest = Math.max(...points.map(([, value]) => value)) || 1;
  const top = limit !== undefined && limit < highest * 3 ? Math.max(highest, limit * 1.1) : highest * 1.05;
  const x = (at: number): number => ((at - from) / Math.max(1, to - from)) * width;
  const y = (value: number): number => height - (Math.max(0, value) / top) * height;
  const step = smallestStep(lines);
  const drawn = lines.map(({ points: all }, index) => {
    const path = all
      .map(
        ([at, value], i) =>
          `${i === 0 || at - (all[i - 1]?.[0] ?? at) > 1.5 * step ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`,
      )
      .join('');
    return `<path d="${path}" fill="none" stroke="${COLOURS[index % COLOURS.length] ?? ''}" stroke-width="1.4"/>`;
  });
  const limitLine =
    limit === undefined || limit > top
      ? ''
      : `<line x1="0" x2="${width}" y1="${y(limit)}" y2="${y(limit)}" stroke="${panel.breach === 'failure' ? '#f2495c' : '#ff9830'}" stroke-dasharray="6 4"/>`;
  return `<svg width="${width}" height="${height}">${drawn.join('')}${limitLine}</svg><span class="top">${escaped(spelled(top, panel.unit))}</span>`;
}

function number(panel: PanelSpec, lines: readonly Line[]): string {
  const [line] = lines;
  const value = line?.points.at(-1)?.[1] ?? NaN;
  const limit = panel.limit?.value;
  const bad = limit !== undefined && (panel.floor === true ? value < limit : value > limit);
  const colour = bad ? (panel.breach === 'failure' ? '#f2495c' : '#ff9830') : '#73bf69';
  return `<p class="number" style="color:${colour}">${escaped(spelled(value, panel.unit))}</p>`;
}

function table(lines: readonly Line[]): string {
  const rows = lines
    .slice(0, 8)
    .map(({ name, points }) => `<tr><td>${escaped(name)}</td><td>${points.at(-1)?.[1] ?? ''}</td></tr>`);
  return `<table>${rows.join('')}</table>`;
}

function panelHtml(panel: PanelSpec, answer: PanelAnswer | undefined): string {
  const [width, height] = [panel.width * UNIT_WIDTH - 30, panel.height * UNIT_HEIGHT - 74];
  const lines = answer === undefined ? [] : linesOf(panel, answer);
  const body = {
    stat: () => number(panel, lines),
    table: () => table(lines),
    heatmap: () => heatmap(lines, width, height),
    timeseries: () => plot(panel, lines, width, height),
    'state-timeline': () => plot(panel, lines, width, height),
  }[panel.kind]();
  const legend =
    panel.kind === 'stat' || panel.kind === 'table'
      ? ''
      : `<footer>${lines
          .slice(0, 6)
          .map(
            ({ name }, index) => `<i style="background:${COLOURS[index % COLOURS.length] ?? ''}"></i>${escaped(name)}`,
          )
          .join(' ')}${lines.length > 6 ? ` +${lines.length - 6}` : ''}</footer>`;
  return `<section style="width:${panel.width * UNIT_WIDTH - 8}px;height:${panel.height * UNIT_HEIGHT}px"><h3>${escaped(panel.title)}</h3>${body}${legend}</section>`;
}

const STYLE = `*{box-sizing:border-box;margin:0}body{background:#111217;color:#ccccdc;font:12px system-ui,sans-serif;padding:16px;width:${WIDTH}px}
h1{font-size:20px;margin-bottom:4px}h2{font-size:14px;margin:14px 0 6px;width:100%}main{display:flex;flex-wrap:wrap;gap:8px}
section{background:#181b1f;border:1px solid #25282d;border-radius:3px;padding:8px 10px;position:relative;overflow:hidden}
h3{font-size:12px;font-weight:500;margin-bottom:6px;white-space:nowrap}.number{font-size:26px;text-align:center;padding-top:10px}
.none{opacity:.5;padding-top:20px;text-align:center}.top{position:absolute;right:8px;top:8px;opacity:.6}
footer{position:absolute;bottom:4px;left:10px;font-size:10px;white-space:nowrap;opacity:.85}footer i{display:inline-block;width:8px;height:8px;margin:0 3px 0 6px}
table{width:100%;font-size:11px}td{padding:2px}p.note{opacity:.6}`;

function boardHtml(board: Board, answers: ReadonlyMap<string, PanelAnswer>): { html: string; height: number } {
  const rows = board.rows.map(
    ({ title, panels }) =>
      `<h2>${escaped(title)}</h2>${panels.map((panel) => panelHtml(panel, answers.get(`${board.uid} ${panel.title}`))).join('')}`,
  );
  let height = 90;
  for (const { panels } of board.rows) {
    height += 34;
    let [column, tallest] = [0, 0];
    for (const { width, height: units } of panels) {
      if (column + width > 24) [height, column, tallest] = [height + tallest + 8, 0, 0];
      column += width;
      tallest = Math.max(tallest, units * UNIT_HEIGHT);
    }
    height += tallest + 8;
  }
  const html = `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escaped(board.title)}</h1><p class="note">Drawn by the verification from live answers of Prometheus; Grafana draws it in its own way.</p><main>${rows.join('')}</main>`;
  return { html, height };
}

/** One PNG per board into a folder. */
export function contactSheet(boards: readonly Board[], answers: readonly PanelAnswer[], folder: string): void {
  const chromium = requireProgram('chromium');
  const byPanel = new Map(answers.map((answer) => [`${answer.board} ${answer.panel}`, answer]));
  mkdirSync(folder, { recursive: true });
  const pages = mkdtempSync(join(tmpdir(), 'macronode-boards-'));
  try {
    for (const board of boards) {
      const { html, height } = boardHtml(board, byPanel);
      const page = join(pages, `${board.uid}.html`);
      writeFileSync(page, html);
      execFileSync(
        chromium,
        [
          ...[
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--hide-scrollbars',
            `--user-data-dir=${join(pages, 'profile')}`,
          ],
          `--window-size=${WIDTH},${height}`,
          `--screenshot=${join(folder, `${board.uid}.png`)}`,
          `file://${page}`,
        ],
        { stdio: 'ignore', timeout: 60_000 },
      );
    }
  } finally {
    rmSync(pages, { recursive: true, force: true });
  }
}

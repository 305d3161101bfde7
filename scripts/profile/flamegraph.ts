// A flame graph as one SVG file that needs nothing else: hover for numbers, click to zoom, type to search. Pure.
import { partOf, type Place, type StackNode } from './cpu-profile.ts';

const WIDTH = 1200;
const ROW = 17;
const HEAD = 64;
/** A frame below this share of the whole is left out: it would be narrower than can be seen, and the file stays small. */
const SHARE_MIN = 0.002;
/** Below this width no letter fits. */
const TEXT_WIDTH_MIN = 24;

/** Hue by the part of the program a frame belongs to: what is ours, what is Node, what is a dependency, what is V8. */
function colourOf(place: Place): string {
  const part = partOf(place);
  if (part.startsWith('apps/')) return '#e8590c';
  if (part.startsWith('packages/')) return '#f59f00';
  if (part === 'node') return '#74b816';
  if (part === 'native') return '#868e96';
  if (part.startsWith('(')) return '#c92a2a';
  return '#4dabf7';
}

const LEGEND: readonly (readonly [string, Place])[] = [
  ['apps', { name: '', at: 'apps/x/' }],
  ['packages', { name: '', at: 'packages/x/' }],
  ['dependencies', { name: '', at: 'node_modules/x/' }],
  ['Node', { name: '', at: 'node:x' }],
  ['native', { name: 'native', at: '' }],
  ['V8', { name: '(garbage collector)', at: '' }],
];

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter] ?? letter);

/** Zoom and search; the frames carry their place as fractions of the whole. */
const SCRIPT = `
const svg = document.querySelector('svg'), frames = [...svg.querySelectorAll('g.f')], width = ${WIDTH};
const found = document.getElementById('found');
const of = (g) => ({ x: Number(g.dataset.x), w: Number(g.dataset.w), row: Number(g.dataset.row) });
function zoom(g) {
  const t = of(g);
  for (const each of frames) {
    const e = of(each), above = e.row <= t.row && e.x <= t.x + 1e-9 && e.x + e.w >= t.x + t.w - 1e-9;
    const inside = e.row >= t.row && e.x >= t.x - 1e-9 && e.x + e.w <= t.x + t.w + 1e-9;
    each.style.display = above || inside ? '' : 'none';
    const x = above ? 0 : (e.x - t.x) / t.w * width, w = above ? width : e.w / t.w * width;
    const rect = each.querySelector('rect'), text = each.querySelector('text');
    rect.setAttribute('x', x); rect.setAttribute('width', Math.max(0.5, w - 0.5));
    text.setAttribute('x', x + 3);
    const fits = Math.floor((w - 6) / 6.4), name = each.dataset.name;
    text.textContent = w < ${TEXT_WIDTH_MIN} ? '' : name.length > fits ? name.slice(0, Math.max(0, fits - 1)) + '…' : name;
  }
}
function search(word) {
  let self = 0;
  for (const each of frames) {
    const hit = word !== '' && each.querySelector('title').textContent.toLowerCase().includes(word.toLowerCase());
    each.querySelector('rect').style.fill = hit ? '#e64980' : '';
    if (hit) self += Number(each.dataset.self);
  }
  found.textContent = word === '' ? 'type to search' : word + ': ' + (100 * self).toFixed(1) + ' % itself';
}
let word = '';
document.addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
  if (ctrlKey || metaKey) return;
  if (key === 'Escape') { word = ''; zoom(frames[0]); }
  else if (key === 'Backspace') word = word.slice(0, -1);
  else if (key.length === 1) word += key;
  else return;
  search(word);
});
for (const each of frames) each.addEventListener('click', () => zoom(each));
zoom(frames[0]);
`;

/** The tree from the top down, widths in share of the root. `title` stands above it. */
export function flamegraph(root: StackNode, title: string): string {
  const frames: string[] = [];
  let rows = 0;
  const draw = (node: StackNode, from: number, row: number): void => {
    const share = node.total / root.total;
    if (share < SHARE_MIN) return;
    rows = Math.max(rows, row + 1);
    const { name, at } = node.place;
    const [x, y] = [from * WIDTH, HEAD + row * ROW];
    const told = `${name}${at === '' ? '' : ` ${at}`}: ${(100 * share).toFixed(1)} %, itself ${((100 * node.self) / root.total).toFixed(1)} %`;
    frames.push(
      `<g class="f" data-x="${from.toFixed(5)}" data-w="${share.toFixed(5)}" data-row="${row}" ` +
        `data-self="${(node.self / root.total).toFixed(5)}" data-name="${escaped(name)}"><title>${escaped(told)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${(share * WIDTH).toFixed(1)}" height="${ROW - 1}" fill="${colourOf(node.place)}"/>` +
        `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${share * WIDTH < TEXT_WIDTH_MIN ? '' : escaped(name.slice(0, Math.floor((share * WIDTH - 6) / 6.4)))}</text></g>`,
    );
    let start = from;
    for (const child of node.children) {
      draw(child, start, row + 1);
      start += child.total / root.total;
    }
  };
  draw(root, 0, 0);
  const height = HEAD + rows * ROW + 8;
  const legend = LEGEND.map(
    ([word, place], at) =>
      `<rect x="${8 + at * 110}" y="34" width="12" height="12" fill="${colourOf(place)}"/><text x="${24 + at * 110}" y="44">${word}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10.5">`,
    `<rect width="100%" height="100%" fill="#fff8e7"/>`,
    `<text x="8" y="22" font-size="14">${escaped(title)}</text>`,
    `<text id="found" x="${WIDTH - 8}" y="22" text-anchor="end"></text>`,
    ...legend,
    ...frames,
    `<script><![CDATA[${SCRIPT}]]></script>`,
    `</svg>`,
    '',
  ].join('\n');
}

import { History } from '../history/history.ts';
import type { ConsoleState } from '../history/state.ts';
import { PANELS } from '../panels/index.ts';
import { byId, element, setText } from './element.ts';
import { writeClock } from './format.ts';
import { healthOf, verdictOf } from './health.ts';
import { PanelView } from './panel-view.ts';
import { watch } from './poll.ts';
import { ServicesView } from './services-view.ts';
import { bindTheme } from './theme.ts';

const history = new History();
const panels = PANELS.map((panel) => new PanelView(panel));
const services = new ServicesView(byId('services-list', HTMLUListElement));
const verdict = byId('verdict', HTMLParagraphElement);
const freshness = byId('freshness', HTMLParagraphElement);
const about = byId('about', HTMLParagraphElement);
const stale = byId('stale', HTMLParagraphElement);

byId('panels', HTMLDivElement).append(...panels.map(({ section }) => section));
byId('parts', HTMLUListElement).append(
  ...PANELS.map(({ id, title }) => element('li', {}, element('a', { href: `#${id}` }, title))),
);
bindTheme(byId('theme', HTMLButtonElement), () => {
  for (const panel of panels) panel.redraw();
});

function showAbout({ node, instances: [self] }: ConsoleState): void {
  const version = self?.version;
  document.title = `${node} · Macronode console`;
  if (version === undefined || version === null) return;
  const data = version.amnesia ? 'memory only' : 'data on disk';
  setText(about, `${node} ${version.version} (${version.git_sha.slice(0, 12)}) · ${version.profile} · ${data}`);
}

function showVerdict(level: string, text: string): void {
  verdict.dataset['level'] = level;
  setText(verdict, text);
}

function answered(state: ConsoleState): void {
  if (!history.push(state)) return;
  document.documentElement.dataset['freshness'] = 'live';
  stale.hidden = true;
  const { level, text } = verdictOf(healthOf(state));
  showVerdict(level, text);
  setText(freshness, `Live, ${writeClock(state.at)}`);
  showAbout(state);
  services.show(state);
  for (const panel of panels) panel.show(history.states);
}

/** What is on the page stays, marked as old: the last thing known is what an operator needs now. */
function missed(at: number): void {
  document.documentElement.dataset['freshness'] = 'stale';
  const last = history.states.at(-1);
  showVerdict('bad', 'This node does not answer');
  setText(freshness, `Stale, last asked ${writeClock(at)}`);
  setText(stale, last === undefined ? 'Nothing is known yet.' : `Everything below is as of ${writeClock(last.at)}.`);
  stale.hidden = false;
  if (last !== undefined) for (const panel of panels) panel.showGap(at);
}

await watch({ answered, missed });

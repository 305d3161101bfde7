import http from 'k6/http';
import { sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { type FaultHour, type Switch } from './timetable.ts';

const MS_PER_SECOND = 1_000;
const switched = new Counter('faults_switched');

/** Throws unless toxiproxy answers and every proxy of the timetable is there. Answers the one proxy, where there is one. */
export function proxyOf(toxiproxyUrl: string, switches: readonly Switch[]): string | undefined {
  if (toxiproxyUrl === '') {
    throw new Error('the profile chaos needs TOXIPROXY_URL, the API of a toxiproxy between the services and Redis');
  }
  const response = http.get(`${toxiproxyUrl}/proxies`, { tags: { name: 'toxiproxy' } });
  if (response.status !== 200) throw new Error(`no toxiproxy at ${toxiproxyUrl}: status ${response.status}`);
  const names = Object.keys(response.json() as object);
  for (const { hour } of switches) {
    if (hour.proxy === undefined ? names.length !== 1 : !names.includes(hour.proxy)) {
      throw new Error(`the fault ${hour.fault} names no proxy of toxiproxy: there is ${names.join(', ') || 'none'}`);
    }
  }
  return names[0];
}

/** Switches faults on and off at their times; each leaves nothing behind. */
export function followTimetable(toxiproxyUrl: string, switches: readonly Switch[], only: string | undefined): void {
  const startedAt = exec.scenario.startTime;
  for (const { atS, on, hour } of switches) {
    sleep(Math.max(0, (startedAt - Date.now()) / MS_PER_SECOND + atS));
    const proxy = `${toxiproxyUrl}/proxies/${hour.proxy ?? only ?? ''}`;
    const done = hour.fault === 'down' ? setEnabled(proxy, !on) : on ? addToxic(proxy, hour) : removeToxic(proxy, hour);
    if (!done) throw new Error(`toxiproxy did not switch ${hour.fault} ${on ? 'on' : 'off'} at ${proxy}`);
    switched.add(1);
    console.info(`${atS.toFixed(1)} s: ${hour.fault} ${JSON.stringify(hour.attributes ?? {})} ${on ? 'on' : 'off'}`);
  }
}

const params = { tags: { name: 'toxiproxy' }, headers: { 'Content-Type': 'application/json' } };
const isOk = ({ status }: { status: number }): boolean => status >= 200 && status < 300;
const toxicName = ({ fault, at_s: at }: FaultHour): string => `${fault}-${at}`;

const setEnabled = (proxy: string, enabled: boolean): boolean =>
  isOk(http.post(proxy, JSON.stringify({ enabled }), params));

const addToxic = (proxy: string, hour: FaultHour): boolean =>
  isOk(
    http.post(
      `${proxy}/toxics`,
      JSON.stringify({ name: toxicName(hour), type: hour.fault, attributes: hour.attributes ?? {} }),
      params,
    ),
  );

const removeToxic = (proxy: string, hour: FaultHour): boolean =>
  isOk(http.del(`${proxy}/toxics/${toxicName(hour)}`, null, params));

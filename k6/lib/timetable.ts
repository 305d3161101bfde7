/** One fault: from when, for how long, and what becomes of a proxy meanwhile. */
export interface FaultHour {
  /** Seconds after the load began. */
  readonly at_s: number;
  readonly for_s: number;
  /** Of toxiproxy; may be left out where there is one. */
  readonly proxy?: string;
  /** `down` cuts the proxy off; anything else is a toxic with its attributes, as toxiproxy spells them. */
  readonly fault: string;
  readonly attributes?: Readonly<Record<string, number>>;
}

/** What is switched when, in the order of time. */
export interface Switch {
  readonly atS: number;
  readonly on: boolean;
  readonly hour: FaultHour;
}

/** Where a run names no timetable: slow, slower and jittery, then cut off, each followed by as much quiet. */
const houseTimetable = (seconds: number): readonly FaultHour[] => [
  { at_s: seconds * 0.2, for_s: seconds * 0.1, fault: 'latency', attributes: { latency: 50 } },
  { at_s: seconds * 0.4, for_s: seconds * 0.1, fault: 'latency', attributes: { latency: 100, jitter: 50 } },
  { at_s: seconds * 0.7, for_s: 2, fault: 'down' },
];

/** Reads a timetable, or takes the one of the house. Throws with what is wrong; every fault must end within the load. */
export function switchesOf(text: string, seconds: number): readonly Switch[] {
  const hours = text === '' ? houseTimetable(seconds) : (JSON.parse(text) as readonly FaultHour[]);
  if (!(hours instanceof Array) || hours.length === 0) throw new Error('TIMETABLE is a JSON list of faults');
  for (const { at_s: at, for_s: lasts, fault } of hours) {
    if (!(at >= 0) || !(lasts > 0) || typeof fault !== 'string') {
      throw new Error('a fault of TIMETABLE has at_s, for_s and fault: {"at_s":20,"for_s":10,"fault":"down"}');
    }
    if (at + lasts > seconds) throw new Error(`the fault ${fault} at ${at} s ends after the load of ${seconds} s`);
  }
  return hours
    .flatMap((hour: FaultHour) => [
      { atS: hour.at_s, on: true, hour },
      { atS: hour.at_s + hour.for_s, on: false, hour },
    ])
    .sort((a, b) => a.atS - b.atS);
}

import { METRICS } from '../declared.ts';
import { PROMETHEUS } from './datasource.ts';
import type { AnnotationJson, Json } from './json.ts';

interface Annotation {
  readonly name: string;
  readonly colour: string;
  readonly expr: string;
  readonly title: string;
  readonly text: string;
}

const started = METRICS.process.startTime.name;

/** What happened beside the lines: on every board, so that a bend has its cause next to it. */
const ANNOTATIONS: readonly Annotation[] = [
  {
    name: 'Starts and deploys',
    colour: 'blue',
    // A process younger than a minute: a start shows whether its series are new or went on.
    expr: `max by (service, instance) (time() - ${started}{job=~"$job"}) < 60`,
    title: '{{service}} started',
    text: '{{instance}}',
  },
  {
    name: 'Alerts firing',
    colour: 'red',
    expr: 'max by (alertname, severity, service) (ALERTS{alertstate="firing",alertname!="Watchdog"})',
    title: '{{alertname}}',
    text: '{{severity}} {{service}}',
  },
  { name: 'Load tests', colour: 'purple', expr: 'max by (testid) (k6_vus) > 0', title: 'k6', text: '{{testid}}' },
  {
    name: 'Faults',
    colour: 'orange',
    expr: 'max by (fault) (fault_active_state) == 1',
    title: '{{fault}}',
    text: 'A fault made on purpose.',
  },
];

const annotationJson = ({ name, colour, expr, title, text }: Annotation): AnnotationJson & Json => ({
  datasource: PROMETHEUS,
  enable: true,
  expr,
  hide: false,
  iconColor: colour,
  name,
  step: '10s',
  textFormat: text,
  titleFormat: title,
  useValueForTime: false,
});

export const annotationsJson = (): readonly AnnotationJson[] => ANNOTATIONS.map(annotationJson);

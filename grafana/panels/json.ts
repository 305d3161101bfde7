/** A part of a dashboard as Grafana reads it. */
export type Json = Readonly<Record<string, unknown>>;

/** Where a panel stands, in columns of 24 and rows of about 30 px. */
export interface GridPosition {
  readonly h: number;
  readonly w: number;
  readonly x: number;
  readonly y: number;
}

/** A query of a panel. */
export interface TargetJson {
  readonly datasource: Json;
  readonly editorMode: 'code';
  readonly exemplar?: boolean;
  readonly expr: string;
  readonly format: 'time_series' | 'heatmap' | 'table';
  readonly instant?: boolean;
  readonly legendFormat: string;
  readonly range: boolean;
  readonly refId: string;
}

export interface ThresholdStep {
  readonly color: string;
  readonly value: number | null;
}

export interface LinkJson {
  readonly targetBlank: boolean;
  readonly title: string;
  readonly url: string;
}

/** A panel or a row heading; a collapsed row holds its panels. */
export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: GridPosition;
  readonly collapsed?: boolean;
  readonly panels?: readonly PanelJson[];
  readonly description?: string;
  readonly datasource?: Json;
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit: string;
      readonly min?: number;
      readonly links?: readonly LinkJson[];
      readonly custom?: Json;
      readonly thresholds: { readonly mode: 'absolute'; readonly steps: readonly ThresholdStep[] };
    };
    readonly overrides: readonly Json[];
  };
  readonly options?: Json;
  readonly targets?: readonly TargetJson[];
  readonly transformations?: readonly Json[];
}

export interface VariableJson {
  readonly name: string;
  readonly label: string;
  readonly type: 'datasource' | 'query';
  readonly datasource?: Json;
  readonly query: string | Json;
  readonly refresh: number;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

export interface AnnotationJson {
  readonly name: string;
  readonly datasource: Json;
  readonly expr?: string;
}

/** A whole dashboard, classic schema 42: loads in Grafana 9 to 13 by file provisioning. */
export interface DashboardJson {
  readonly annotations: { readonly list: readonly AnnotationJson[] };
  readonly description: string;
  readonly editable: boolean;
  readonly graphTooltip: number;
  readonly id: null;
  readonly links: readonly Json[];
  readonly panels: readonly PanelJson[];
  readonly refresh: string;
  readonly schemaVersion: number;
  readonly tags: readonly string[];
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly time: { readonly from: string; readonly to: string };
  readonly timezone: string;
  readonly title: string;
  readonly uid: string;
  readonly version: number;
}

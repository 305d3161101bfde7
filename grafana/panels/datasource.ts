/** The data sources, by the variable that chooses them. `dashboard-linter` asks for these names when there are two. */
export const PROMETHEUS = Object.freeze({ type: 'prometheus', uid: '${prometheus_datasource}' });

export const TEMPO = Object.freeze({ type: 'tempo', uid: '${tempo_datasource}' });

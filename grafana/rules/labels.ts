/** Labels of a series or of an alert, by name. */
export type Labels = Readonly<Record<string, string>>;

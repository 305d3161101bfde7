/** As the system says, or as the viewer chose. */
export const THEMES = ['auto', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'macronode-console-theme';

function stored(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    // Storage may be turned off: the choice then lasts as long as the page.
    return 'auto';
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
}

/** Makes the button go through the themes, and tells who draws when colours have changed. */
export function bindTheme(button: HTMLButtonElement, changed: () => void): void {
  let theme = stored();
  const apply = (): void => {
    document.documentElement.dataset['theme'] = theme;
    button.textContent = `Theme: ${theme}`;
    changed();
  };
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
    store(theme);
    apply();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  apply();
}

/** The value of a design token as the page has it now. */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

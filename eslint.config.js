import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TESTS = ['**/*.test.ts', '**/*.conformance.ts', '**/conformance*.ts', 'e2e/**'];

/** Source that only tests import, or start as a child. */
const FIXTURES = ['**/official-vectors.ts', '**/*fixture.ts', '**/crash-child.ts'];

/** Syntax nobody writes in this repository, with the reason. Flat config replaces the rule per file, so sets are composed. */
const EXPORT_ALL = { selector: 'ExportAllDeclaration', message: 'List the names: no `export *`.' };
const EXPORT_DEFAULT = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };
const PROCESS_ENV = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'The environment is read once, in packages/service.',
};
const SLEEP = {
  // A pause inside a loop is a poll; whether it has a deadline is for the reader.
  selector:
    "NewExpression[callee.name='Promise']:not(WhileStatement *, ForStatement *) CallExpression[callee.name='setTimeout']",
  message: 'No sleeps in tests: poll with a deadline (vi.waitFor, expect.poll).',
};

export default defineConfig(
  { ignores: ['**/dist/**', '**/node_modules/**', '.run/**', '**/.turbo/**', 'k6/dist/**', 'coverage/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // verbatimModuleSyntax already demands `import type`; a lint fix here would erase classes that Nest injects.
      '@typescript-eslint/consistent-type-imports': 'off',
      // State read again after an await, or in a callback, looks constant to these two.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Structural typing is how values are wired here.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowEmpty: true }],
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/unified-signatures': 'off',
      'no-restricted-syntax': ['error', EXPORT_ALL, EXPORT_DEFAULT],
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    // The command line is no service: its main reads what the shell gives.
    ignores: ['packages/service/src/**', 'apps/ronctl/src/main.ts', ...TESTS, ...FIXTURES],
    rules: {
      'no-restricted-syntax': ['error', EXPORT_ALL, EXPORT_DEFAULT, PROCESS_ENV],
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    files: TESTS,
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', EXPORT_ALL, EXPORT_DEFAULT, SLEEP],
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:timers/promises', message: 'No sleeps in tests: poll with a deadline.' }] },
      ],
    },
  },
  { files: ['*.config.ts', 'e2e/*.config.ts', 'k6/**/*.ts'], rules: { 'no-restricted-syntax': ['error', EXPORT_ALL] } },
);

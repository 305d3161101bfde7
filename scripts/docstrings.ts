// What the source says of each member of an interface or of an object literal: docs pages quote it instead of repeating it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './bootstrap.mjs';

/** Docstring by member name of one exported interface or `Object.freeze({…})` constant. Throws for a member without one. */
export function docstringsOf(file: string, declaration: string): ReadonlyMap<string, string> {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const members = source.statements.flatMap((statement) => membersOf(statement, declaration));
  if (members.length === 0) throw new Error(`${file} declares no ${declaration}`);
  return new Map(
    members.map((member) => {
      const name = member.name.getText(source);
      const docs = ts.getJSDocCommentsAndTags(member).map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '');
      const text = docs.join(' ').replaceAll(/\s+/g, ' ').trim();
      if (text === '') throw new Error(`${file}: ${declaration}.${name} has no docstring`);
      return [name, text];
    }),
  );
}

type Member = ts.PropertySignature | ts.PropertyAssignment;

function membersOf(statement: ts.Statement, declaration: string): readonly Member[] {
  if (ts.isInterfaceDeclaration(statement) && statement.name.text === declaration) {
    return statement.members.filter(ts.isPropertySignature);
  }
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
    if (name.getText() !== declaration || initializer === undefined) return [];
    const value = ts.isCallExpression(initializer) ? initializer.arguments[0] : initializer;
    return value !== undefined && ts.isObjectLiteralExpression(value)
      ? value.properties.filter(ts.isPropertyAssignment)
      : [];
  });
}

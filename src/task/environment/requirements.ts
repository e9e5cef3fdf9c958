import { satisfies } from './versions.ts';

/** One line of pip's requirements: a package, or an option that is passed to pip. */
export type Requirement =
  | { readonly type: 'package'; readonly name: string; readonly specifiers: string }
  | { readonly type: 'option' };

const LINE =
  /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[\w\s,.-]*\])?\s*(@\s*\S+|(?:(?:===|==|!=|>=|<=|~=|>|<)[^;,\s]+\s*,?\s*)*)$/;

/** Reads a line; what we could not hold an interpreter against is a mistake, as the completion of "expected …". */
export function parseRequirement(line: string): Requirement | { readonly mistake: string } {
  if (/^--?[a-z]/.test(line)) {
    if (/^(?:-r|-c|-e|--requirement|--constraint|--editable)\b/.test(line)) {
      return { mistake: 'a package such as torch==2.13.0; other files and editable packages are not followed' };
    }
    return { type: 'option' };
  }
  if (line.includes(';')) return { mistake: "a package without a condition after ';'" };
  const match = LINE.exec(line.replaceAll(/\s+(?=[=!<>~,@])|(?<=[=!<>~,@])\s+/g, ''));
  if (match?.[1] === undefined) return { mistake: 'a package such as torch==2.13.0' };
  const rest = match[2] ?? '';
  return { type: 'package', name: normalizedName(match[1]), specifiers: rest.startsWith('@') ? '' : rest };
}

/** `Foo_Bar.baz` and `foo-bar-baz` are the same package (https://peps.python.org/pep-0503/). */
function normalizedName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** Names of the packages that the lines ask for. */
export function requiredPackages(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const requirement = parseRequirement(line);
    return 'type' in requirement && requirement.type === 'package' ? [requirement.name] : [];
  });
}

/** What is missing or has another version, in words; empty if everything is there. */
export function unmetRequirements(lines: readonly string[], installed: Readonly<Record<string, string>>): string[] {
  return lines.flatMap((line) => {
    const requirement = parseRequirement(line);
    if (!('type' in requirement) || requirement.type !== 'package') return [];
    const version = installed[requirement.name];
    if (version === undefined) return [`${requirement.name} is not installed`];
    if (satisfies(version, requirement.specifiers)) return [];
    return [`${requirement.name} is ${version}, not ${requirement.specifiers}`];
  });
}

import { parseRequirement } from '../environment/requirements.ts';
import type { AdapterCheckout } from './adapter.ts';

/**
 * The packages that a checkout asks for, as it writes them: `dependencies` of pyproject.toml, or the lines of a requirements file.
 *
 * @param unused packages that no trial imports (notebooks, downloads).
 * @returns lines that we can hold an interpreter against; what can't be read so is left out and named in `unread`.
 */
export async function upstreamPackages(
  checkout: AdapterCheckout,
  file: 'pyproject.toml' | 'requirements.txt',
  unused: readonly string[] = [],
): Promise<{ readonly packages: string[]; readonly unread: string[] }> {
  const text = checkout.paths.includes(file) ? await checkout.readText(file) : '';
  const lines =
    file === 'pyproject.toml' ? dependenciesOf(text) : text.split('\n').map((line) => line.replace(/#.*/, ''));
  const packages: string[] = [];
  const unread: string[] = [];
  for (const line of lines.map((one) => one.trim()).filter((one) => one !== '')) {
    const parsed = parseRequirement(line);
    if (!('type' in parsed) || parsed.type !== 'package') unread.push(line);
    else if (!unused.includes(parsed.name)) packages.push(line);
  }
  return { packages, unread };
}

/** The array `dependencies` of the table `[project]`; one text a line or several, as TOML allows. */
function dependenciesOf(toml: string): string[] {
  const project = /^\[project\][^\S\n]*$([\s\S]*?)(?=^\[[^\]\n]+\][^\S\n]*$|(?![\s\S]))/m.exec(toml)?.[1] ?? '';
  const start = /^dependencies\s*=\s*\[/m.exec(project);
  if (start === null) return [];
  const found: string[] = [];
  for (const match of project.slice(start.index + start[0].length).matchAll(/"([^"\n]*)"|'([^'\n]*)'|#[^\n]*|\]/g)) {
    if (match[0] === ']') break;
    const text = match[1] ?? match[2];
    if (text !== undefined) found.push(text);
  }
  return found;
}

import { languageOf, textOf, type FileChange } from '../static/change-input.ts';
import { readCTokens } from '../static/c-tokens.ts';
import { viewPython } from '../static/python-reader.ts';

/** Code of changed files without the words in it: what a reader could be talked to with is numbers. */
export interface NeutralCode {
  /** Undefined: the file is new. */
  readonly before: string | undefined;
  readonly after: string;
  /** Files that are not shown, and why. */
  readonly hidden: readonly string[];
}

/** Words that tell a reader something instead of the machine. Names with one in them are numbered; that costs a reader little. */
const SUSPECTS: readonly string[] =
  `safe approved approve approval verdict comparable honest legit legitimate trusted trust verified audited audit ignore
  instruction instructions reviewer reviewed review prompt jailbreak assistant user please must should answer respond reply pass
  passed passes correct valid same unchanged equivalent harmless benign you your judge grader llm ai gpt claude note attention
  important always never disregard previous system compliant allowed permitted official certified unmodified human`.split(
    /\s+/,
  );
const LONGEST_NAME = 32;
const MOST_WORDS = 4;
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;

export async function neutralCode(changes: readonly FileChange[], python: string): Promise<NeutralCode> {
  const hidden: string[] = [];
  const before: string[] = [];
  const after: string[] = [];
  const show = (number: number, sides: { before?: string | undefined; after?: string | undefined }): void => {
    if (sides.before !== undefined) before.push(`FILE ${number}\n${sides.before}`);
    if (sides.after !== undefined) after.push(`FILE ${number}\n${sides.after}`);
  };
  const inPython = changes.filter((change) => languageOf(change.path, change.after ?? change.before) === 'python');
  const texts = inPython.map((change) => ({
    path: change.path,
    before: textOf(change.before),
    after: textOf(change.after),
  }));
  const views = texts.length === 0 ? undefined : await viewPython(python, texts, SUSPECTS);
  const names = new Names();
  for (const [index, change] of changes.entries()) {
    const { path } = change;
    const language = languageOf(path, change.after ?? change.before);
    if (language === 'python') {
      const view = views?.kind === 'read' ? views.value[inPython.indexOf(change)] : undefined;
      const problem = views?.kind === 'unread' ? views.reason : (view?.error ?? (view ? undefined : 'no answer'));
      if (problem === undefined && view) show(index + 1, view);
      else hidden.push(`${path}: ${problem}`);
    } else if (language === 'c') {
      show(index + 1, { before: neutralC(textOf(change.before), names), after: neutralC(textOf(change.after), names) });
    } else hidden.push(`${path}: no program`);
  }
  return { before: before.length > 0 ? before.join('\n\n') : undefined, after: after.join('\n\n'), hidden };
}

/** Numbers for texts and for names that speak: the same for the same, in both versions. */
class Names {
  readonly #numbers = new Map<string, number>();

  text(text: string): string {
    return `"text ${this.#number(`"${text}`)}"`;
  }

  name(name: string): string {
    return speaks(name) ? `name_${this.#number(name)}` : name;
  }

  #number(of: string): number {
    const known = this.#numbers.get(of);
    if (known !== undefined) return known;
    this.#numbers.set(of, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}

/** Its counterpart for Python is `View` in python/assay_judge/triage_text.py. */
function speaks(name: string): boolean {
  const words = name.match(WORD) ?? [];
  if (!/^\w+$/.test(name) || name.length > LONGEST_NAME || words.length > MOST_WORDS) return true;
  return words.some((word) => SUSPECTS.includes(word.toLowerCase()));
}

function neutralC(source: string | undefined, names: Names): string | undefined {
  if (source === undefined) return undefined;
  let text = '';
  let line = 1;
  for (const token of readCTokens(source).tokens) {
    if (token.line > line) text += '\n';
    else if (token.isSpaced) text += ' ';
    line = token.line;
    if (token.kind === 'string' || token.kind === 'character') text += names.text(token.text);
    else if (token.kind === 'identifier') text += names.name(token.text);
    else if (token.kind === 'header') text += /^<[\w./]{1,40}>$/.test(token.text) ? token.text : names.text(token.text);
    else text += token.kind === 'number' && token.text.length > 40 ? '0' : token.text;
  }
  return text;
}

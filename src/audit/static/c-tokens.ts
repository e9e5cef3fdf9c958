/** One token of C, C++ or CUDA. Comments and layout are gone. */
export interface CToken {
  readonly kind: 'identifier' | 'number' | 'string' | 'character' | 'punctuator' | 'header';
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Name of the preprocessor line that it is part of ('include', 'define'; '' for a bare #); undefined outside. */
  readonly directive?: string;
  /** White space or a comment stands before it. */
  readonly isSpaced: boolean;
}

/** Tokens of a file that are looked at; the rest is left out, and `isWhole` says so. */
const MOST_TOKENS = 400_000;

const SPACE = /(?:[ \t\f\v\r]|\\\r?\n|\/\*[\s\S]*?(?:\*\/|$)|\/\/(?:\\\r?\n|[^\n])*)+/y;
const RAW_STRING = /(?:u8|[uUL])?R"([^\s()\\]{0,16})\([\s\S]*?(?:\)\1"|$)/y;
const STRING = /(?:u8|[uUL])?"(?:\\[\s\S]|[^"\\\n])*(?:"|(?=\n)|$)/y;
const CHARACTER = /(?:u8|[uUL])?'(?:\\[\s\S]|[^'\\\n])*(?:'|(?=\n)|$)/y;
// A backslash at the end of a line joins words: fo\<newline>rk is fork.
const WORD = /(?:[A-Za-z_$\u0080-\u{10FFFF}]|\\u[0-9a-fA-F]{4})(?:\\\r?\n|[\w$\u0080-\u{10FFFF}]|\\u[0-9a-fA-F]{4})*/uy;
const NUMBER = /\.?\d(?:\\\r?\n|[eEpP][+-]|['.\w])*/y;
const PUNCTUATOR = /%:%:|##|<:|:>|<%|%>|%:|<<<|>>>|[-+*/%&|^=!<>]=|&&|\|\||<<|>>|->|\+\+|--|::|[\s\S]/uy;
const HEADER = /<[^>\n]*>/y;
const DIGRAPHS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '%:%:': '##',
    '<:': '[',
    ':>': ']',
    '<%': '{',
    '%>': '}',
    '%:': '#',
  }),
);

/** Splits a source into tokens. Anything is read somehow: no input is an error. */
export function readCTokens(source: string): { readonly tokens: readonly CToken[]; readonly isWhole: boolean } {
  const tokens: CToken[] = [];
  let line = 1;
  let at = 0;
  let directive: string | undefined;
  let isLineStart = true;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found === undefined || found === '') return undefined;
    at += found.length;
    return found;
  };
  while (at < source.length && tokens.length < MOST_TOKENS) {
    const space = take(SPACE);
    line += newlines(space ?? '');
    if (at >= source.length) break;
    if (source[at] === '\n') {
      at += 1;
      line += 1;
      directive = undefined;
      isLineStart = true;
      continue;
    }
    const isSpaced = space !== undefined || isLineStart;
    let kind: CToken['kind'];
    let text =
      directive === 'include' || directive === 'include_next' || directive === 'embed' ? take(HEADER) : undefined;
    if (text !== undefined) kind = 'header';
    else if ((text = take(RAW_STRING) ?? take(STRING)) !== undefined) kind = 'string';
    else if ((text = take(CHARACTER)) !== undefined) kind = 'character';
    else if ((text = take(WORD)) !== undefined) kind = 'identifier';
    else if ((text = take(NUMBER)) !== undefined) kind = 'number';
    else {
      kind = 'punctuator';
      text = take(PUNCTUATOR) ?? '';
    }
    const plain = kind === 'string' || kind === 'character' ? text : text.replace(/\\\r?\n/g, '');
    const token = { kind, text: DIGRAPHS.get(plain) ?? plain, line, isSpaced };
    if (isLineStart && token.text === '#') directive = '';
    else if (directive === '' && kind === 'identifier') directive = plain;
    tokens.push(directive === undefined ? token : { ...token, directive });
    isLineStart = false;
    line += newlines(text);
  }
  return { tokens, isWhole: at >= source.length };
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** What a string literal says, its simple escapes read. */
export function stringValue(token: CToken): string {
  const raw = /^(?:u8|[uUL])?R"([^\s()\\]{0,16})\(([\s\S]*?)(?:\)\1")?$/.exec(token.text);
  if (raw) return raw[2] ?? '';
  return token.text
    .replace(/^(?:u8|[uUL])?"|"$/g, '')
    .replace(/\\\r?\n/g, '')
    .replace(/\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/g, (_, hex?: string, octal?: string, letter?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return letter === 'n' ? '\n' : letter === 't' ? '\t' : (letter ?? '');
    });
}

/** Whether two sources give the compiler the same: undefined if something in them depends on lines or layout. */
export function isSameC(before: string, after: string): boolean | undefined {
  if (/__LINE__|__FILE__|__DATE__|__TIME__|__TIMESTAMP__|\?\?[=/'()!<>-]|#\s*embed|\.incbin/.test(before + after))
    return undefined;
  const [one, two] = [readCTokens(before), readCTokens(after)];
  if (!one.isWhole || !two.isWhole) return undefined;
  if (one.tokens.length !== two.tokens.length) return false;
  return one.tokens.every((token, index) => {
    const other = two.tokens[index];
    if (other === undefined) return false;
    const isSame = token.text === other.text && token.kind === other.kind && token.directive === other.directive;
    // In a #define white space tells F (x) from F(x), and # makes a text of it.
    return isSame && (token.directive === undefined || token.isSpaced === other.isSpaced);
  });
}

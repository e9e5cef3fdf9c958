/** Letters that look like others, after compatibility forms and accents are gone: the common ones of Unicode's list (UTS 39). */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map([
  // Cyrillic
  ...pairs('аеорсхуіјѕһԁԛԝѵьгпкмтвнз', 'aeopcxyijshdqwvbrnkmtbh3'),
  // Greek
  ...pairs('αβγεζηικνορτυχωϲ', 'abyeznikvoptuxwc'),
  // Armenian, Latin of other alphabets, letters like letters
  ...pairs('օսոհցզɑɡıɩʟɴʀᴀᴄᴅᴇᴋᴍᴏᴘᴛᴜᴠᴡᴢ', 'ounhgqagiilnracdekmoptuvwz'),
]);

function pairs(from: string, to: string): [string, string][] {
  const letters = Array.from(to);
  return Array.from(from, (letter, index) => [letter, letters[index] ?? letter]);
}

/** What a text looks like at a glance: two that have the same one can be taken for each other. Case is folded. */
export function skeletonOf(text: string): string {
  // oxlint-disable-next-line no-control-regex -- what is ASCII is its own skeleton
  if (/^[\x09\x0A\x0D\x20-\x7E]*$/.test(text)) return text.toLowerCase();
  const plain = text
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}\p{Cc}]/gu, '')
    .toLowerCase();
  return Array.from(plain, (letter) => LOOK_ALIKES.get(letter) ?? letter).join('');
}

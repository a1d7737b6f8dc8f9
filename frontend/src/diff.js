/** What was expected beside what came, line by line. */

const MOST_CELLS = 1_000_000;

/** @typedef {{kind: "same" | "expected" | "printed", text: string}} Row */

/**
 * The longest common lines stay; the others are of one side.
 * @param {string} expected @param {string} printed @returns {Row[]}
 */
export function difference(expected, printed) {
  const left = expected.split(/(?<=\n)/);
  const right = printed.split(/(?<=\n)/);
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const rows = (kind, lines) => lines.map((text) => ({ kind, text }));
  return [
    ...rows("same", left.slice(0, start)),
    ...between(left.slice(start, left.length - end), right.slice(start, right.length - end)),
    ...rows("same", end ? left.slice(-end) : []),
  ];
}

function between(left, right) {
  const rows = [];
  if (left.length * right.length > MOST_CELLS) {
    return [...left.map((text) => ({ kind: "expected", text })), ...right.map((text) => ({ kind: "printed", text }))];
  }
  const width = right.length + 1;
  const common = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const down = common[(i + 1) * width + j];
      const across = common[i * width + j + 1];
      common[i * width + j] = left[i] === right[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(down, across);
    }
  }
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      rows.push({ kind: "same", text: left[i++] });
      j++;
    } else if (i < left.length && (j === right.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      rows.push({ kind: "expected", text: left[i++] });
    } else rows.push({ kind: "printed", text: right[j++] });
  }
  return rows;
}

/** White space that is seen, and the end of a line where it counts. @param {string} text */
export function whiteSpaceSeen(text) {
  const line = text.replace(/\n$/, "");
  return line.replaceAll(" ", "·").replaceAll("\t", "→\t");
}

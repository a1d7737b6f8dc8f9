/** Where messages of compilers and interpreters say that something is wrong. */

const USUAL = /(?<file>[\w.\/+-]+)"?(?:[:(,] ?(?:line )?| on line | line )(?<line>\d+)(?:[:,.](?<column>\d+))?/g;
const LONGEST = 600;

/** A finder for a language's own pattern, or the usual one. @param {string} pattern @param {() => string[]} names */
export function finder(pattern, names) {
  let expression = USUAL;
  try {
    if (pattern) expression = new RegExp(pattern, "g");
  } catch {
    // The usual one finds most.
  }
  /**
   * The places in a line of output that are in one of the program's own files.
   * @param {string} text
   * @returns {{index: number, length: number, file: string, line: number, column: number}[]}
   */
  return (text) => {
    if (text.length > LONGEST) return [];
    const own = names();
    const found = [];
    for (const match of text.matchAll(expression)) {
      const { file = "", line = "", column = "" } = match.groups ?? {};
      const name = file ? own.find((each) => each === file.replace(/^(?:\/box\/|\.\/)+/, "")) : own[0];
      if (name && line) {
        found.push({ index: match.index, length: match[0].length, file: name, line: Number(line), column: Number(column || 0) });
      }
    }
    return found;
  };
}

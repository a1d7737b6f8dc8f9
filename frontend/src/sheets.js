/** Styles of a library that puts them into the page as elements, which the page's policy refuses. */

/** In the place of a style element: what would be its text goes to an adopted style sheet, which no policy bounds. */
export function adoptedStyle() {
  const sheet = adopted("");
  const place = document.createElement("template");
  Object.defineProperty(place, "textContent", { set: (css) => sheet.replaceSync(css) });
  return place;
}

/** @param {string} css */
export function adopted(css) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
  return sheet;
}

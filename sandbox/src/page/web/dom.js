// Elements.

/** Makes an element with what is in it: text and elements. */
export function node(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

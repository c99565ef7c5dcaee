/** The element of the page with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

export function button(id: string): HTMLButtonElement {
  return byId(id) as HTMLButtonElement;
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Writes a changed text only: an equal one keeps its layout and its selection, and a screen reader quiet. */
export function setText(node: Node | null | undefined, text: string): void {
  if (node && node.textContent !== text) node.textContent = text;
}

/** `null` removes an attribute. */
export function setAttributes(
  element: Element | null | undefined,
  attributes: Record<string, string | null>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element?.removeAttribute(name);
    else if (element?.getAttribute(name) !== value) element?.setAttribute(name, value);
  }
}

const keyedChildren = new WeakMap<Element, Map<string, Element>>();

/**
 * Makes the children of `parent` those of `items`, in their order. The element of a key that stays is updated and not
 * replaced. The one with the focus is not even moved, which would cost it the focus: the others move around it.
 */
export function keyed<Item, Child extends Element>(
  parent: Element,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  create: (item: Item) => Child,
  update: (child: Child, item: Item) => void,
): void {
  const before = (keyedChildren.get(parent) ?? new Map()) as Map<string, Child>;
  const after = new Map(items.map((item) => [keyOf(item), before.get(keyOf(item)) ?? create(item)]));
  // Before the others are put in order: an element that is moved loses its focus.
  for (const [key, child] of before) if (!after.has(key)) child.remove();
  let next = parent.firstElementChild;
  for (const item of items) {
    const child = after.get(keyOf(item)) as Child;
    update(child, item);
    if (child.contains(document.activeElement)) while (next && next !== child) next = postponed(parent, next);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  keyedChildren.set(parent, after);
}

/** Moves a child to the end, until it is its turn. Returns the one after it. */
function postponed(parent: Element, child: Element): Element | null {
  const { nextElementSibling } = child;
  parent.append(child);
  return nextElementSibling;
}

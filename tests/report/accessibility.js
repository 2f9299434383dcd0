// Checks of a page in the browser, for where axe-core is not at hand. Returns sentences; none means that all is well.
() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";

  if (!document.documentElement.lang) found.push("the page names no language");
  if (!document.title.trim()) found.push("the page has no title");
  for (const [landmark, most] of [["main", 1], ["h1", 1]]) {
    if (all(landmark).length !== most) found.push(`${all(landmark).length} elements ${landmark}, expected ${most}`);
  }
  for (const element of document.body.children) {
    const landmark = ["HEADER", "MAIN", "FOOTER", "NAV", "SCRIPT"].includes(element.tagName) || element.classList.contains("skip");
    if (!landmark) say("outside all landmarks", element);
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(`heading ${own} after ${level}`, heading);
    level = own;
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) found.push(`id ${id} is not unique`);
  for (const attribute of ["aria-labelledby", "aria-describedby"]) {
    for (const element of all(`[${attribute}]`)) {
      if (!element.getAttribute(attribute).split(/\s+/).every((id) => ids.includes(id))) say(`${attribute} leads nowhere`, element);
    }
  }
  for (const control of all("input, select, textarea")) {
    const named = control.labels.length && [...control.labels].some((label) => label.textContent.trim());
    if (!named && !control.ariaLabel) say("without a label", control);
  }
  for (const element of all("a, button, summary")) {
    if (!element.textContent.trim() && !element.ariaLabel) say("without a name", element);
  }
  for (const region of all("nav, [role=region], section")) {
    if (!region.ariaLabel && !region.getAttribute("aria-labelledby")) say("region without a name", region);
  }
  for (const svg of all("svg, img")) {
    if (!svg.closest("[aria-hidden=true]") && !svg.ariaLabel && !svg.alt) say("drawing without words", svg);
  }
  for (const table of all("table")) {
    if (!table.caption || !table.caption.textContent.trim()) say("table without a caption", table);
    if (!table.querySelector("th")) say("table without headers", table);
    for (const head of table.querySelectorAll("th")) {
      if (!head.scope) say("header without a scope", head);
      if (![...head.childNodes].some((node) => node.textContent.trim() && (node.nodeType === 3 || getComputedStyle(node).display !== "none"))) say("header without words", head);
    }
  }
  for (const element of all("*")) {
    const scrolls = element.scrollWidth > element.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
    if (scrolls && seen(element) && element.tabIndex < 0) say("scrolls, but not by the keyboard", element);
  }
  if (all("[tabindex]").some((element) => element.tabIndex > 0)) found.push("an order of tabs of its own");

  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => value / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = numbers(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const judged = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const drawn = element.closest("svg");
    if (!walker.currentNode.data.trim() || judged.has(element) || !seen(element) || element.closest("script, style, option")) continue;
    judged.add(element);
    const style = getComputedStyle(element);
    const [one, other] = [luminance(numbers(drawn ? style.fill : style.color)), luminance(ground(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) say(`contrast ${contrast.toFixed(2)}`, element);
  }
  return [...new Set(found)];
};

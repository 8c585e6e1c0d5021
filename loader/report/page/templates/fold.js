"use strict";
// The page works without this script. It opens folds for printing, filters the table of fields, and takes tables
// that do not scroll out of the order of the Tab key.
(() => {
  const folds = [...document.querySelectorAll("details")];
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });

  const regions = [...document.querySelectorAll(".wide")];
  const measure = () => {
    const scrolling = regions.map((region) => region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1);
    regions.forEach((region, at) => {
      if (scrolling[at]) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    });
  };
  addEventListener("resize", measure);
  for (const fold of folds) fold.addEventListener("toggle", measure);
  measure();

  const filter = document.getElementById("filter");
  if (!filter) return;
  const rows = [...document.querySelectorAll(".fields tbody tr")];
  const count = document.getElementById("filter-count");
  filter.parentElement.hidden = false;
  filter.addEventListener("input", () => {
    const text = filter.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(text);
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = text ? `${shown} of ${rows.length}` : "";
    measure();
  });
})();

// The viewer's choice of light or dark, put on the page before it is painted.
"use strict";
{
  const chosen = localStorage.getItem("chargewire-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}

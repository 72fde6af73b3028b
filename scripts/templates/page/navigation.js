"use strict";
// Marks the section in view in the navigation.

const sections = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const heading = target.getAttribute("aria-labelledby");
      const link = document.querySelector(`nav a[href="#${heading}"]`);
      if (isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  },
  { rootMargin: "-20% 0px -79% 0px" }, // a line of the window, in which there is one section
);
document.querySelectorAll("main > section").forEach((section) => sections.observe(section));

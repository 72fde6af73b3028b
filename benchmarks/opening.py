"""Measure a page as a reader's browser has it: size, time to open on a slow processor, filtering.

Run on the page of a full MNIST run: make bench PARTS=opening ARGS=reports/comparison.html
"""

import argparse
import json
import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from measure import machine
from shared.files import write_json

RESULTS = Path(__file__).with_suffix(".json")
SLOWDOWN = 4  # of the processor, by Chromium itself
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
FILTERED = """
name => new Promise(resolve => {
  const field = document.querySelector("#filters [name=label]");
  const start = performance.now();
  field.value = name;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
})
"""


def measured(page: Page, address: str, slowdown: int) -> dict[str, object]:
    """One opening of the page, in milliseconds, and the filter by each label in turn."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.goto(address)
    page.locator("#browser").wait_for()
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    labels = page.locator("#filters [name=label] option").count() - 1
    filtered = [page.evaluate(FILTERED, str(label)) for label in range(labels)]
    return {
        "dom_content_loaded_ms": loaded,
        "slowest_filter_ms": max(filtered),
        "requests": len([url for url in requests if not url.startswith(("file:", "data:"))]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    runs = []
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for slowdown in (1, SLOWDOWN):
            for _ in range(arguments.runs):
                context = chromium.new_context(offline=True)
                address = arguments.page.resolve().as_uri()
                runs.append(
                    {"slowdown": slowdown, **measured(context.new_page(), address, slowdown)}
                )
                context.close()
        version = chromium.version
        chromium.close()
    summary = {}
    for slowdown in (1, SLOWDOWN):
        own = [run for run in runs if run["slowdown"] == slowdown]
        summary[str(slowdown)] = {
            key: {
                "mean": statistics.mean(run[key] for run in own),
                "deviation": statistics.stdev(run[key] for run in own),
            }
            for key in ("dom_content_loaded_ms", "slowest_filter_ms")
        }
    saved = {
        "machine": machine(),
        "chromium": version,
        "bytes": arguments.page.stat().st_size,
        "runs": runs,
        "slowed": summary,
    }
    write_json(RESULTS, saved)
    print(json.dumps({key: saved[key] for key in ("bytes", "slowed")}, indent=2))


if __name__ == "__main__":
    main()

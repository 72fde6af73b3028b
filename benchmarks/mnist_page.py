"""Run the pipeline on MNIST; keep its page as Markdown and as a picture; measure how it opens.

Needs Chromium, and DATA_MIRROR or a network. Writes docs/mnist.md, docs/page.png and its JSON file.
"""

import argparse
import io
import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from measure import ROOT, changed_clone, machine, measure, put_into

SAVED = Path(__file__).with_suffix(".json")
SLOWDOWNS = (1, 4)  # of the processor, by Chromium itself
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
VIEW = {"width": 1240, "height": 1075}
NAVIGATION = 47  # pixels at the top, which stay there
# From the event to the next frame with the images of the label in it.
FILTER = """
label => new Promise(resolve => {
    const field = document.querySelector("#filters [name=label]");
    const start = performance.now();
    field.value = label;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="openings at each slowdown")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = changed_clone(Path(folder) / "mnist", download={"dataset": "mnist"})
        subprocess.run(["dvc", "repro", "--quiet"], cwd=clone, check=True)
        page = clone / "reports" / "comparison.html"
        redrawn = measure(["dvc", "repro", "--quiet", "--single-item", "--force", "report"], clone)
        markdown = (clone / "reports" / "comparison.md").read_text()
        (ROOT / "docs" / "mnist.md").write_text(f"{HEAD}{markdown}")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            take_picture(chromium, page)
            runs = [
                {"slowdown": slowdown, **open_page(chromium, page, slowdown)}
                for slowdown in SLOWDOWNS
                for _ in range(arguments.runs)
            ]
            version = chromium.version
            chromium.close()
        result = {
            "command": "make bench PARTS=mnist_page",
            "machine": machine(),
            "chromium": version,
            "page_bytes": page.stat().st_size,
            "report_seconds": redrawn.seconds,
            "runs": runs,
        }
    SAVED.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    put_into(ROOT / "README.md", SAVED, table(result))


HEAD = (
    "<!-- The page of a full run on MNIST, as Markdown, with the parameters of params.yaml."
    " Made by: make bench PARTS=mnist_page -->\n\n"
)


def take_picture(chromium: Browser, page: Path) -> None:
    """The verdict, and below it the most confident mistake, opened over the images."""
    view = chromium.new_page(viewport=VIEW)
    view.goto(page.as_uri())
    view.locator("#browser").wait_for()
    parts = [view.screenshot()]
    view.evaluate("document.getElementById('images').scrollIntoView()")
    view.locator("#gallery button").first.click()
    view.wait_for_timeout(500)  # for the sheet of the images
    parts.append(view.screenshot())
    pictures = [Image.open(io.BytesIO(part)).convert("RGB") for part in parts]
    pictures[1] = pictures[1].crop((0, NAVIGATION, VIEW["width"], VIEW["height"]))
    whole = Image.new("RGB", (VIEW["width"], sum(picture.height for picture in pictures)))
    for number, picture in enumerate(pictures):
        whole.paste(picture, (0, number * pictures[0].height))
    whole.save(ROOT / "docs" / "page.png", optimize=True)


def open_page(chromium: Browser, page: Path, slowdown: int) -> dict[str, Any]:
    """Open the page with the network off, and filter it by each label in turn."""
    context = chromium.new_context(offline=True)
    view: Page = context.new_page()
    requests: list[str] = []
    view.on("request", lambda request: requests.append(request.url))
    session = context.new_cdp_session(view)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    view.goto(page.as_uri())
    view.locator("#browser").wait_for()
    loaded = view.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    labels = view.locator("#filters [name=label] option").count() - 1
    filtered = [view.evaluate(FILTER, str(label)) for label in range(labels)]
    context.close()
    return {
        "dom_content_loaded_ms": loaded,
        "slowest_filter_ms": max(filtered),
        "requests": len([url for url in requests if not url.startswith(("file:", "data:"))]),
    }


def table(result: dict[str, Any]) -> str:
    """The measurements as Markdown: mean and standard deviation of the runs at each slowdown."""
    lines = [
        "| processor | page opens (DOM content loaded), ms | slowest of ten filters, ms | runs |",
        "| --- | ---: | ---: | ---: |",
    ]
    for slowdown in SLOWDOWNS:
        own = [run for run in result["runs"] if run["slowdown"] == slowdown]
        cells = []
        for key in ("dom_content_loaded_ms", "slowest_filter_ms"):
            values = [run[key] for run in own]
            cells.append(f"{statistics.mean(values):.0f} ± {statistics.stdev(values):.0f}")
        name = "as it is" if slowdown == 1 else f"slowed {slowdown} times"
        lines.append(f"| {name} | {' | '.join(cells)} | {len(own)} |")
    return "\n".join(
        [
            *lines,
            "",
            f"The page of MNIST has {result['page_bytes']:,} bytes and made"
            f" {max(run['requests'] for run in result['runs'])} requests; `report` took"
            f" {result['report_seconds']:.1f} s. Chromium {result['chromium'].split('.')[0]} on"
            f" {result['machine']}.",
        ]
    )


if __name__ == "__main__":
    main()

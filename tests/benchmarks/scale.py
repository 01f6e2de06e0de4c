"""How the dashboard feels with ten thousand layers: from what a person does to the frame that shows it."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import weightscope_widget as wsw
from tests.benchmarks.synthetic import ten_thousand_layers
from tests.browser.conftest import BROWSERS, FLAGS

# Frames as fast as they can be made: what is measured is the work, not the wait for a screen's next refresh.
UNBOUNDED = ["--disable-frame-rate-limit", "--disable-gpu-vsync"]

# From the moment the data are there: the module is imported and the bytes are unpacked already.
FIRST_PAINT = """async () => {
    const unpack = async (id) => {
        const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (byte) => byte.charCodeAt(0));
        return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
    };
    const source = new Blob([await (await unpack("module")).text()], { type: "text/javascript" });
    const module = await import(URL.createObjectURL(source));
    const saved = module.readSaved(await (await unpack("data")).arrayBuffer());
    const root = document.getElementById("dashboard");
    root.replaceChildren();
    const frame = () => new Promise(requestAnimationFrame);
    const painted = () => new Promise((resolve) => {
        const channel = new MessageChannel();
        channel.port1.onmessage = resolve;
        channel.port2.postMessage(0);
    });
    const start = performance.now();
    module.openSaved(root, saved);
    while (!root.querySelector(".wsw-layer-map canvas") || !root.querySelector(".wsw-risk-matrix svg")) await frame();
    await frame();
    await painted();
    return performance.now() - start;
}"""

# A step of a gesture, then the frame after it and the message that follows the frame's paint.
GESTURE = """async ([kind, steps]) => {
    const surface = document.querySelector(".wsw-risk-matrix .wsw-surface");
    surface.setPointerCapture = () => undefined; // no pointer is down that could be captured
    const { left, top } = surface.getBoundingClientRect();
    const fire = (type, x, y, buttons = 0) =>
        surface.dispatchEvent(new PointerEvent(type, { clientX: left + x, clientY: top + y, bubbles: true, buttons }));
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    if (kind === "brush") fire("pointerdown", 100, 50, 1);
    for (let step = 0; step < steps; step++) {
        await frame();
        await frame();
        const start = performance.now();
        if (kind === "hover") fire("pointermove", 100 + 8 * step, 100 + 2 * step);
        if (kind === "select") fire("click", 100 + 8 * step, 100 + 2 * step);
        if (kind === "brush") fire("pointermove", 200 + 4 * step, 100 + 3 * step, 1);
        await frame();
        await new Promise((resolve) => {
            const channel = new MessageChannel();
            channel.port1.onmessage = resolve;
            channel.port2.postMessage(0);
        });
        times.push(performance.now() - start);
        if (kind === "select") await new Promise((resolve) => setTimeout(resolve, 100)); // who clicks looks
    }
    if (kind === "brush") fire("pointerup", 100, 50);
    return times;
}"""


def measure(runs: int = 5) -> list[dict[str, object]]:
    """Return medians and worst cases of first paint, hover, selection and brush."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        raise SystemExit("No Chromium was found; install 'chromium' to measure the dashboard.")
    times: dict[str, list[float]] = {kind: [] for kind in ("first paint", "hover", "select", "brush")}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder, "page.html")
        dash = wsw.show(ten_thousand_layers())
        dash.save_html(path)
        dash.close()
        browser = driver.chromium.launch(executable_path=executable, args=[*FLAGS, *UNBOUNDED])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(path.as_uri())
        for _ in range(runs):
            page.reload()
            page.locator(".wsw-row").first.wait_for()
            page.wait_for_timeout(3000)  # what the page itself has opened is at rest
            times["first paint"].append(page.evaluate(FIRST_PAINT))
        page.reload()
        page.locator(".wsw-metrics table, .wsw-metrics .wsw-empty").wait_for()
        page.wait_for_timeout(3000)  # what is fetched ahead is there
        for kind in ("hover", "select", "brush"):
            times[kind] = page.evaluate(GESTURE, [kind, 50])
        browser.close()
    return [
        {"what": f"10,000 layers, {kind}", "median ms": statistics.median(some), "worst ms": max(some)}
        for kind, some in times.items()
    ]

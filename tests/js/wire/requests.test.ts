import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NoAnswer, Requests } from "../../../js/src/wire/requests";
import { Kernel } from "../kernel";

const open = () => {
  const kernel = new Kernel();
  kernel.prompt = false;
  return { kernel, requests: new Requests(kernel, 1000) };
};

describe("a request", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("gets the reply that bears its number, whatever the order", async () => {
    const { kernel, requests } = open();
    const [one, two] = [requests.ask("details", { keys: ["broken"] }), requests.ask("details", { keys: [] })];
    expect(kernel.sent).toEqual([
      { type: "request", id: 1, method: "details", keys: ["broken"] },
      { type: "request", id: 2, method: "details", keys: [] },
    ]);
    kernel.reply(kernel.sent[1] as never);
    kernel.reply(kernel.sent[0] as never);
    expect((await two).result).toEqual({ layers: [] });
    expect((await one).result).toEqual({ layers: [{ key: "broken", histogram: null, spectrum: null }] });
  });

  it("fails with the kernel's own sentence", async () => {
    const { kernel, requests } = open();
    const asked = requests.ask("details");
    kernel.reply(kernel.sent[0] as never, "There is no such layer.");
    await expect(asked).rejects.toThrow("There is no such layer.");
  });

  it("gives up at its deadline, and a reply after that changes nothing", async () => {
    const { kernel, requests } = open();
    const refused = expect(requests.ask("details")).rejects.toBeInstanceOf(NoAnswer);
    vi.advanceTimersByTime(1000);
    await refused;
    kernel.reply(kernel.sent[0] as never);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no timer and no listener when the widget is closed", () => {
    const { kernel, requests } = open();
    requests.ask("details");
    requests.close();
    expect([vi.getTimerCount(), kernel.listeners]).toEqual([0, 0]);
  });
});

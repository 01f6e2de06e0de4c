/** Questions to the kernel: each has an id and gets one reply, an error included, or misses its deadline. */

export interface Wire {
  send(message: unknown): void;
  on(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
  off(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
}

export interface Reply<T> {
  result: T;
  buffers: DataView[];
}

interface Waiting {
  resolve(reply: Reply<never>): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export class NoAnswer extends Error {}

export class Requests {
  private next = 1;
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly wire: Wire,
    private readonly deadline = 30_000,
  ) {
    wire.on("msg:custom", this.receive);
  }

  ask<T>(method: string, parameters: Record<string, unknown> = {}, deadline = this.deadline): Promise<Reply<T>> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new NoAnswer(method));
      }, deadline);
      this.waiting.set(id, { resolve: resolve as Waiting["resolve"], reject, timer });
      this.wire.send({ ...parameters, type: "request", id, method });
    });
  }

  close(): void {
    this.wire.off("msg:custom", this.receive);
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private readonly receive = (message: unknown, buffers: DataView[]): void => {
    const reply = message as { type?: string; id?: number; result?: never; error?: string };
    const waiting = reply.type === "reply" && reply.id !== undefined ? this.waiting.get(reply.id) : undefined;
    if (!waiting || reply.id === undefined) return;
    this.waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.error === undefined) waiting.resolve({ result: reply.result as never, buffers: buffers ?? [] });
    else waiting.reject(new Error(reply.error));
  };
}

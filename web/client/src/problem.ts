import type { Problem } from "./types.ts";

/** A refusal by the server (RFC 9457), or a failure to reach it (`status` 0, `code` `unreachable`). */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Milliseconds to wait before a repeat, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail || problem.title);
    this.name = "ProblemError";
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.problem.retryable;
  }

  /** No answer came. The request may have been carried out all the same. */
  static unreachable(detail: string): ProblemError {
    const code = "unreachable" as Problem["code"];
    return new ProblemError({ type: "about:blank", title: "Unreachable", status: 0, detail, code, retryable: true, trace_id: "" });
  }

  /** What an answer that is no success says. */
  static async of(response: Response, body: unknown): Promise<ProblemError> {
    const seconds = Number(response.headers.get("retry-after"));
    const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
    if (typeof body === "object" && body !== null && "code" in body && "retryable" in body) {
      return new ProblemError(body as Problem, retryAfter);
    }
    // A proxy in between answers with pages of its own.
    const code = (response.status >= 500 ? "unavailable" : "internal") as Problem["code"];
    const retryable = response.status >= 500 || response.status === 429;
    const detail = `the server answered ${response.status}`;
    return new ProblemError({ type: "about:blank", title: detail, status: response.status, detail, code, retryable, trace_id: "" }, retryAfter);
  }
}

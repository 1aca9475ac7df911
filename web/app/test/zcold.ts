import { World } from "./kit/browser.ts";
const world = await World.start();
try {
  const { page, username } = await world.newcomer("Reader One");
  const call = async (m: string, p: string, body?: object, token = "") => (await fetch(world.url + p, { method: m, headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) })).json();
  const { access_token: token } = (await call("POST", "/v1/sessions", { login: username, password: "a wordy secret" })) as { access_token: string };
  const rooms: string[] = [];
  for (let n = 0; n < 30; n++) rooms.push(((await call("POST", "/v1/rooms", { kind: "group", name: `speed ${n}` }, token)) as { id: string }).id);
  for (let n = 0; n < 900; n++) await call("POST", `/v1/rooms/${rooms[n % 30]}/messages`, { body: `of ${rooms[n % 30]}: line ${n} ${"word ".repeat(n % 30)}` }, token);
  await new Promise((r) => setTimeout(r, 3000));
  for (let k = 0; k < 10; k++) {
    const fresh = await page.context().newPage();
    const cdp = await fresh.context().newCDPSession(fresh);
    await cdp.send("Network.enable");
    await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
    await (cdp as any).send("Performance.setTimeDomain", { timeDomain: "threadTicks" }); await cdp.send("Performance.enable"); await cdp.send("Emulation.setCPUThrottlingRate", { rate: Number(process.env["RATE"] ?? 4) });
    const events: any[] = [];
    const tracing = k === 9 && process.env["TRACE"];
    if (tracing) {
      cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
      await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "v8", "v8.execute", "loading", "blink.user_timing", "disabled-by-default-v8.cpu_profiler", "disabled-by-default-v8.compile"] } as any });
    }
    await fresh.addInitScript(() => {
      const look = () => {
        if (!document.querySelector("article")) return requestAnimationFrame(look);
        requestAnimationFrame(() => { (window as any).read = performance.now(); });
        return 0;
      };
      requestAnimationFrame(look);
    });
    await fresh.goto(new URL(`/r/${rooms[0]}`, page.url()).href);
    await fresh.waitForFunction(() => (window as any).read !== undefined, undefined, { timeout: 60_000 });
    const { metrics } = await cdp.send("Performance.getMetrics"); const m = Object.fromEntries(metrics.map((x: any) => [x.name, x.value])); console.log("CPU", ["TaskDuration","ScriptDuration","LayoutDuration","RecalcStyleDuration","V8CompileDuration"].map((n) => `${n}=${((m[n] as number) * 1000).toFixed(0)}`).join(" "));
    const told = await fresh.evaluate(() => {
      const nav = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming;
      const paints = performance.getEntriesByType("paint").map((p) => `${p.name}=${p.startTime.toFixed(0)}`);
      const all = (performance.getEntriesByType("resource") as PerformanceResourceTiming[]).filter((one) => one.startTime < (window as any).read).map((one) => `${new URL(one.name).pathname} ${one.startTime.toFixed(0)}..${one.responseEnd.toFixed(0)} ${one.encodedBodySize}`);
      return { read: (window as any).read, html: nav.responseEnd, dom: nav.domInteractive, dcl: nav.domContentLoadedEventEnd, paints, all };
    });
    console.log(k === 9 ? JSON.stringify(told, null, 1) : told.read.toFixed(0), told.paints.join(" "));
    if (tracing) {
      const done = new Promise((r) => cdp.once("Tracing.tracingComplete", r));
      await cdp.send("Tracing.end");
      await done;
      (await import("node:fs")).writeFileSync("/tmp/wt/cold.trace", JSON.stringify({ traceEvents: events }));
    }
    await fresh.close();
  }
} finally { await world.stop(); }

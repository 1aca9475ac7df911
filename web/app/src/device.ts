/** What a client calls itself, in words for people. */

const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\/\d/, "Edge"], [/\bOPR\/\d/, "Opera"], [/\bSamsungBrowser\/\d/, "Samsung Internet"], [/\b(?:Firefox|FxiOS)\/\d/, "Firefox"],
  [/\b(?:(?:Headless)?Chrome|CriOS|Chromium)\/\d/, "Chrome"], [/\bVersion\/[\d.]+ .*Safari\/\d/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\b(?:iPhone|iPad)\b/, "iOS"], [/\bAndroid\b/, "Android"], [/\bCrOS\b/, "ChromeOS"], [/\bWindows\b/, "Windows"], [/\bMac(?:intosh| OS X)\b/, "macOS"], [/\bLinux\b/, "Linux"],
];

export interface Device {
  browser?: string | undefined;
  system?: string | undefined;
}

/** Browser and system of a user agent; programs that are no browsers have neither. */
export function device(agent: string): Device {
  const named = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(agent))?.[1];
  return { browser: named(BROWSERS), system: named(SYSTEMS) };
}

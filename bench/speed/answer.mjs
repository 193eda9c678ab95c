// What every side of the comparison written in JavaScript does: one request of JSON a line, one answer a line.
import { createInterface } from 'node:readline';

/**
 * Answers requests until "end". `side.use(spec)` takes a network; `side.runner(request)` gives the function that does
 * one piece of the work asked for.
 */
export async function answerRequests(side) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const answer = await answerOne(side, request).catch(error => ({ error: String(error?.message ?? error) }));
    await new Promise(resolve => process.stdout.write(`${JSON.stringify(answer)}\n`, resolve));
    if (request.do === 'end') process.exit(0); // open handles of the engines would keep it alive
  }
}

async function answerOne(side, request) {
  if (request.do === 'network') return side.use(request.spec);
  if (request.do === 'end') return { peakBytes: process.resourceUsage().maxRSS * 1024 };
  const run = await side.runner(request);
  if (request.do === 'each') return { each: await each(run, request.repeat) };
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < request.repeat; i++) await run();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Seconds of every single run. */
async function each(run, repeat) {
  const seconds = [];
  for (let i = 0; i < repeat; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}

/** Images [N, C, H, W] of 0 to 255: noise, brighter with the class, so that gradients stay alive. */
export function makeImages({ input: { channels, height, width }, layers }, count) {
  const size = channels * height * width;
  const classes = layers.at(-1).units;
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const pixels = new Uint8Array(count * size);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = ((Math.imul(i + 1, 2654435761) >>> 16) % 180) + Math.floor((60 * labels[Math.floor(i / size)]) / classes);
  return { pixels, labels };
}

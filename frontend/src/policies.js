/** How often one may ask, in words. */

/** "10 runs a minute", of the policy that an answer names and its RateLimit-Policy. */
export function policyOf({ policy: name, policies }) {
  for (const [, policy, quota, window] of policies.matchAll(/"(\w+)";q=(\d+);w=(\d+)/g)) {
    if (policy === name) return `${quota} runs ${per(Number(window))}`;
  }
  return "runs";
}

function per(seconds) {
  const unit = { 1: "a second", 60: "a minute", 3600: "an hour", 86400: "a day" }[seconds];
  return unit ?? `in ${seconds} seconds`;
}

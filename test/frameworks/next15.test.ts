import { describeNext } from "./next/describe-next.js";

// Two versions of Next.js do not share a process: each bends Node's module loader and the globals in its own way.
describeNext("Next.js 15", "next15");

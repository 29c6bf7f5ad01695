// What the checks may change about the host's thread block.
#pragma once

// Runs the threads of a block, and its warps, from the last to the first.
extern bool host_runs_backwards;

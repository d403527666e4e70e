// Options about what a run may cost, which many commands have.
#ifndef PREFIQS_CLI_LIMIT_OPTIONS_H_
#define PREFIQS_CLI_LIMIT_OPTIONS_H_

#include <prefiqs/image.h>
#include <CLI/App.hpp>

namespace prefiqs::cli {

// --threads, 0 where nothing else is said.
CLI::Option* AddThreadsOption(CLI::App& app, int& threads);

// A line on standard error where `threads` are more than can run at the same time.
void WarnOfThreads(int threads);

// --max-pixels.
CLI::Option* AddMaxPixelsOption(CLI::App& app, ImageLimits& limits);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_LIMIT_OPTIONS_H_

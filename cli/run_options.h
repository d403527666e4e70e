// The options of a run over many pictures.
#ifndef PREFIQS_CLI_RUN_OPTIONS_H_
#define PREFIQS_CLI_RUN_OPTIONS_H_

#include <optional>
#include <string>

#include <prefiqs/job.h>
#include <CLI/App.hpp>

#include "cli/arguments.h"
#include "cli/progress.h"

namespace prefiqs::cli {

struct RunArguments {
  JobOptions job;
  std::string detector, guard, faces = "best", format = "csv", executor = "onednn", precision = "fp32", shard;
  bool aligned = false;
  bool fail_under_gate = false;
};

// Options of one group each.
void AddFaceOptions(CLI::App& app, RunArguments& arguments);
void AddOutputOptions(CLI::App& app, RunArguments& arguments);
void AddExecutionOptions(CLI::App& app, RunArguments& arguments);
void AddGateOptions(CLI::App& app, RunArguments& arguments);
// As Parse(); the inputs among the words go into `arguments`.
bool ParseRun(CLI::App& app, const Words& words, RunArguments& arguments);

// The detector of that file; the one that comes with the library where `path` is empty or "default". Throws Error.
Detector LoadDetector(const std::string& path);

// That looks once more: of that file; for an empty path `detector`, without one the one that comes with the library;
// none for "none". Throws Error.
std::optional<Detector> LoadGuard(const std::string& path, const std::optional<Detector>& detector);

// The job's options, with the detector loaded. Throws Error.
JobOptions MakeJob(const RunArguments& arguments);

// run_job with progress on `line`, warnings on standard error, and an end at an interruption (InterruptGuard). `last`:
// the newest progress.
JobSummary RunShowingProgress(const Network& network, JobOptions job, ProgressLine& line, JobProgress& last);

// Runs it with progress on a terminal, interrupts and a summary on standard error. Returns the exit status.
int RunJob(const Network& network, JobOptions job, bool fail_under_gate = false);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_RUN_OPTIONS_H_

// The options of a run over many pictures.
#ifndef PREFIQS_CLI_RUN_OPTIONS_H_
#define PREFIQS_CLI_RUN_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>

#include <prefiqs/job.h>
#include <CLI/App.hpp>

#include "cli/arguments.h"
#include "cli/progress.h"

namespace prefiqs::cli {

struct RunArguments {
  JobOptions job;
  std::string detector, landmarks, guard, faces = "best", search = "normal", format = "csv", executor = "onednn",
                                          precision = "fp32", shard;
  bool aligned = false;
  bool fail_under_gate = false;
  bool allow_failures = false;
  bool list_skipped = false;
};

// Options of one group each.
void AddFaceOptions(CLI::App& app, RunArguments& arguments);
void AddOutputOptions(CLI::App& app, RunArguments& arguments);
void AddSkippedOption(CLI::App& app, RunArguments& arguments);
void AddExecutionOptions(CLI::App& app, RunArguments& arguments);
void AddGateOptions(CLI::App& app, RunArguments& arguments);
// --without-lock, which is among AddOutputOptions() already.
void AddLockOption(CLI::App& app, JobOptions& job, const std::string& group);
// --allow-failures, for commands that end with status 1 where pictures failed. `failures`, for --help: when that is,
// and what says so all the same.
void AddFailureOption(CLI::App& app, bool& allow_failures, const char* failures);
// As Parse(); the inputs among the words go into `arguments`.
bool ParseRun(CLI::App& app, const Words& words, RunArguments& arguments);

// For commands that compare pictures. Throws Error(kUsage) for --faces all.
void RefuseAllFaces(const RunArguments& arguments);

// The detector of that file; the one that comes with the library where `path` is empty or "default". Throws Error.
Detector LoadDetector(const std::string& path);

// That looks once more: of that file; for an empty path `detector`, without one the one that comes with the library;
// none for "none". Throws Error.
std::optional<Detector> LoadGuard(const std::string& path, const std::optional<Detector>& detector);

// The job's options, with the detector loaded. Throws Error.
JobOptions MakeJob(const RunArguments& arguments);

// Has the job show its progress on `line`, say warnings on standard error, and end at an interruption (InterruptGuard).
// `seen` is called with each progress. Both have to live as long as the job runs.
void ShowProgress(JobOptions& job, ProgressLine& line, std::function<void(const JobProgress&)> seen);

// What a run's exit status depends on besides how it went.
struct StatusRules {
  bool fail_under_gate = false;  // 5 where faces are under the gate
  bool allow_failures = false;   // 0 in place of 1 where pictures failed
};

// Runs it with progress on a terminal, interrupts and a summary on standard error. Returns the exit status.
int RunJob(const Network& network, JobOptions job, const StatusRules& rules = {});

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_RUN_OPTIONS_H_

// The options of a run over many pictures.
#ifndef PREFIQS_CLI_RUN_OPTIONS_H_
#define PREFIQS_CLI_RUN_OPTIONS_H_

#include <string>

#include <prefiqs/job.h>
#include <CLI/App.hpp>

#include "cli/arguments.h"

namespace prefiqs::cli {

struct RunArguments {
  JobOptions job;
  std::string detector, faces = "best", format = "csv", executor = "onednn", precision = "fp32", shard;
  std::string gate;
  bool aligned = false;
};

void AddRunOptions(CLI::App& app, RunArguments& arguments);
// As Parse(); the inputs among the words go into `arguments`.
bool ParseRun(CLI::App& app, const Words& words, RunArguments& arguments);

// The job's options, with the detector loaded. Throws Error.
JobOptions MakeJob(const RunArguments& arguments);

// Runs it with progress on a terminal, interrupts and a summary on standard error. Returns the exit status.
int RunJob(const Network& network, JobOptions job);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_RUN_OPTIONS_H_

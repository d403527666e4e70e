// The commands. Each parses its words and returns the exit status; throws Error.
#ifndef PREFIQS_CLI_COMMANDS_H_
#define PREFIQS_CLI_COMMANDS_H_

#include "cli/arguments.h"

namespace prefiqs::cli {

int RunScore(const Words& words);
int RunEmbed(const Words& words);
int RunCalibrate(const Words& words);
int RunPrune(const Words& words);
int RunDemo(const Words& words);
int RunExplain(const Words& words);
int RunEvaluate(const Words& words);
int RunSweep(const Words& words);
int RunInspect(const Words& words);
int RunBench(const Words& words);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_COMMANDS_H_

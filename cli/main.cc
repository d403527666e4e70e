// The command line program. Commands are files of their own; this one chooses and turns errors into exit statuses.
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <prefiqs/version.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"

namespace prefiqs::cli {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const Words&);  // null: not available yet
};

constexpr std::array<Command, 12> kCommands{{
    {"score", "quality of faces in pictures", RunScore},
    {"embed", "embeddings of faces in pictures", RunEmbed},
    {"prune", "write the pruned copy of a network", RunPrune},
    {"inspect", "what a network is made of and what runs it", RunInspect},
    {"evaluate", "error versus discard curves", RunEvaluate},
    {"sweep", "compare recipes", RunSweep},
    {"calibrate", "map qualities to 0-100", RunCalibrate},
    {"explain", "show which regions a face's quality hangs on", RunExplain},
    {"export", "write quality as a network", nullptr},
    {"bench", "measure speed", RunBench},
    {"serve", "answer over HTTP", nullptr},
    {"demo", "show it on a page", RunDemo},
}};

void PrintHelp() {
  fmt::print(
      "prefiqs {}: face image quality from what survives pruning\n\nprefiqs COMMAND --help shows a command's "
      "options.\n\n",
      version());
  for (const Command& command : kCommands) {
    fmt::print("  {:<10} {}{}\n", command.name, command.summary, command.run == nullptr ? " (not available yet)" : "");
  }
  fmt::print(
      "\nExample:\n  prefiqs score --model arcface.onnx --preset arcface --detector yunet.onnx PHOTOS/ --output "
      "scores.csv\n");
}

int Run(const Words& words) {
  if (words.empty()) throw Error(ErrorCode::kUsage, "which command? prefiqs --help lists them");
  const std::string& name = words[0];
  if (name == "--help" || name == "-h" || name == "help") {
    PrintHelp();
    return 0;
  }
  if (name == "--version") {
    fmt::print("prefiqs {}\n", version());
    return 0;
  }
  const auto command =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == name; });
  if (command == kCommands.end()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: there is no such command; prefiqs --help lists them", name));
  }
  if (command->run == nullptr) throw Error(ErrorCode::kNotAvailable, fmt::format("{} is not available yet", name));
  return command->run(Words(words.begin() + 1, words.end()));
}

}  // namespace
}  // namespace prefiqs::cli

int main(int argc, char** argv) {
  // A standard error whose reader has gone must not end a run. Standard output's ends it quietly, as with `| head`.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its limit (ulimit -f) is an error of writing, which is reported
  prefiqs::cli::EndOnSignals();
  try {
    const int status = prefiqs::cli::Run(prefiqs::cli::Words(argv + std::min(argc, 1), argv + argc));
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "cannot write");
    return status;
  } catch (const prefiqs::Error& e) {
    if (e.code() != prefiqs::ErrorCode::kReaderGone) prefiqs::cli::Say(fmt::format("prefiqs: {}\n", e.what()));
    return prefiqs::info(e.code()).exit_status;
  } catch (const std::system_error& e) {  // of fmt::print
    if (e.code().value() != EPIPE) prefiqs::cli::Say(fmt::format("prefiqs: standard output: {}\n", e.what()));
    return prefiqs::info(prefiqs::ErrorCode::kIo).exit_status;
  } catch (const std::exception& e) {
    prefiqs::cli::Say(fmt::format("prefiqs: {}\n", e.what()));
    return prefiqs::info(prefiqs::ErrorCode::kInternal).exit_status;
  }
}

// The options that name a network and say how pixels become its input.
#ifndef PREFIQS_CLI_NETWORK_OPTIONS_H_
#define PREFIQS_CLI_NETWORK_OPTIONS_H_

#include <optional>
#include <string>

#include <prefiqs/network.h>
#include <CLI/App.hpp>

namespace prefiqs::cli {

struct NetworkArguments {
  std::string model;
  std::string sidecar;  // empty: MODEL.json
  bool new_sidecar = false;
  std::string preset, channels, mean, scale, crop_template, size, output;
  bool tells_quality = false;
};

void AddModelOption(CLI::App& app, NetworkArguments& arguments);           // --model
void AddPreprocessingOptions(CLI::App& app, NetworkArguments& arguments);  // how pixels become its input, --sidecar

// Throws Error; Error(kUsage) for options that contradict each other.
Network LoadNetwork(const NetworkArguments& arguments, int threads = 1);

// "bgr, (x - 127.5) / 127.5".
std::string Describe(const Preprocessing& preprocessing);

// "6000 faces (LFW, 2026-11-25), recipe …", or "none".
std::string Describe(const std::optional<Calibration>& calibration);

// A line on standard error for each of Network::remarks().
void SayRemarks(const Network& network);
// These, and one where the preprocessing had to be assumed.
void WarnIfAssumed(const Network& network);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_NETWORK_OPTIONS_H_

// `prefiqs bench`.
#include <fmt/format.h>
#include <prefiqs/bench.h>
#include <prefiqs/version.h>

#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/limit_options.h"
#include "cli/messages.h"
#include "cli/method_option.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/run_options.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs bench                                               the default network, on noise
  prefiqs bench --model arcface.onnx --pictures PHOTOS/*.jpg  from the file to the score
  prefiqs bench --model arcface.onnx --aligned --pictures crop.png --threads 1,4 --batch 1,8,32
  prefiqs bench --model arcface.onnx --from 0.9 --seconds 60 --json

Times are medians for one picture over all threads (of load, prune and compile: for the network), those of dense and
pruned passes of runs in turn. GFLOP/s count the multiply-adds of plain convolutions and matrix products twice, so a faster
algorithm may be over the ceiling: the most that products of oneDNN reached here, as many threads side by side.)";

struct BenchArguments {
  std::string threads, batch = "1,8", method = "drift";
  std::vector<std::string> pictures;
  bool json = false;
};

std::vector<int> ParseCounts(const std::string& text, std::string_view option, int least) {
  std::vector<int> counts;
  for (const std::string& word : SplitAtCommas(text)) {
    int count = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (error != std::errc() || stop != word.data() + word.size() || count < least) {
      throw Error(ErrorCode::kUsage, fmt::format("{} {}: numbers from {} on with commas between, such as {} 1,8",
                                                 option, text, least, option));
    }
    counts.push_back(count);
  }
  return counts;
}

std::vector<int> ParseThreads(const std::string& text) {
  if (text.empty()) return usable_processors() == 1 ? std::vector{1} : std::vector{1, usable_processors()};
  std::vector<int> threads = ParseCounts(text, "--threads", 0);
  for (int& count : threads) count = count == 0 ? usable_processors() : count;
  WarnOfThreads(*std::max_element(threads.begin(), threads.end()));
  return threads;
}

// The words after --pictures, up to the next option: file names, into which the parser would read lists.
std::vector<std::string> TakePictures(Words& words) {
  std::vector<std::string> pictures;
  const auto option = std::find(words.begin(), words.end(), "--pictures");
  if (option == words.end()) return pictures;
  auto end = option + 1;
  for (; end != words.end() && !end->starts_with("--"); ++end) pictures.push_back(*end);
  if (pictures.empty()) throw Error(ErrorCode::kUsage, "--pictures: no file is named");
  words.erase(option, end);
  return pictures;
}

std::string Processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

// Of the last minute: programs that wanted to run. Much more than one says that the figures are of a busy machine.
double Load() {
  double load = std::nan("");
  return getloadavg(&load, 1) == 1 ? load : std::nan("");
}

std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("-");
}

// Three digits at least, whatever takes microseconds or seconds.
std::string Milliseconds(double value) { return Number(value, value < 1 ? 4 : value < 100 ? 2 : 1); }

// Paid for each picture, not once for the network.
bool OfPictures(const BenchStage& stage) { return stage.name != "load" && !stage.name.ends_with("compile"); }

void PrintTable(const BenchOptions& options, const BenchReport& report) {
  const Work& work = report.work;
  std::vector<std::vector<std::string>> facts{
      {"machine", fmt::format("{}, {} cores, load {:.1f}", Processor(), usable_processors(), Load())},
      {"network", fmt::format("{}, content {}", options.model, report.network)},
      {"method", report.recipe.empty() ? std::string(name(options.assessor.method))
                                       : fmt::format("{}, {}", name(options.assessor.method), report.recipe)},
      {"multiply-adds", fmt::format("{} of a dense pass, {} of the method (suffix {:.2f} %)", Grouped(work.dense),
                                    Grouped(work.method), 100 * work.suffix_share())},
  };
  for (const BenchCeiling& ceiling : report.ceilings) {
    facts.push_back({fmt::format("ceiling, {}", Count(ceiling.threads, "thread")),
                     fmt::format("{}: {:.0f} GFLOP/s; memory: {:.1f} GB/s copied", ceiling.precision, ceiling.gigaflops,
                                 ceiling.copied_gigabytes)});
  }
  fmt::print("{}\n", FormatTable({{fmt::format("prefiqs {}", version())}, {""}}, facts));

  std::vector<std::vector<std::string>> rows;
  for (const BenchStage& stage : report.stages) {
    const bool pictures = OfPictures(stage), pass = std::isfinite(stage.gigaflops);
    const bool runs_network = pass || stage.name == "whole picture";
    rows.push_back({stage.name, fmt::format("{}", stage.threads), fmt::format("{}", stage.batch),
                    Milliseconds(stage.milliseconds),
                    fmt::format("{} to {}", Milliseconds(stage.lower_quartile), Milliseconds(stage.upper_quartile)),
                    pictures ? Number(stage.images_a_second, 1) : "-", Number(stage.gigaflops, 1),
                    pass ? fmt::format("{:.0f} %", 100 * stage.of_ceiling) : "-", runs_network ? report.precision : "-",
                    runs_network ? report.instruction_set : "-", fmt::format("{}", stage.runs)});
  }
  fmt::print("{}", FormatTable({{"stage"},
                                {"threads", Align::kRight},
                                {"batch", Align::kRight},
                                {"ms an image", Align::kRight},
                                {"half of them", Align::kRight},
                                {"images/s", Align::kRight},
                                {"GFLOP/s", Align::kRight},
                                {"of ceiling", Align::kRight},
                                {"precision"},
                                {"instruction set"},
                                {"runs", Align::kRight}},
                               rows));
  for (const std::string& note : report.notes) fmt::print("\n{}\n", note);
}

using Json = nlohmann::ordered_json;

Json OrNull(double value) { return std::isfinite(value) ? Json(value) : Json(); }

void PrintJson(const BenchOptions& options, const BenchReport& report) {
  Json object;
  object["version"] = version();
  object["machine"] = {{"processor", Processor()}, {"cores", usable_processors()}, {"load", OrNull(Load())}};
  object["path"] = options.model;
  object["network"] = report.network;
  object["method"] = name(options.assessor.method);
  object["recipe"] = report.recipe.empty() ? Json() : Json(report.recipe);
  object["precision"] = report.precision;
  object["instruction_set"] = report.instruction_set;
  object["macs"] = {{"dense", report.work.dense}, {"method", report.work.method}};
  object["suffix_share"] = report.work.suffix_share();
  object["ceilings"] = Json::array();
  for (const BenchCeiling& ceiling : report.ceilings) {
    object["ceilings"].push_back({{"precision", ceiling.precision},
                                  {"threads", ceiling.threads},
                                  {"gflops", ceiling.gigaflops},
                                  {"copied_gb_per_s", ceiling.copied_gigabytes}});
  }
  object["stages"] = Json::array();
  for (const BenchStage& stage : report.stages) {
    object["stages"].push_back({{"stage", stage.name},
                                {"threads", stage.threads},
                                {"batch", stage.batch},
                                {"ms", stage.milliseconds},
                                {"ms_quartiles", {stage.lower_quartile, stage.upper_quartile}},
                                {"images_per_s", OfPictures(stage) ? Json(stage.images_a_second) : Json()},
                                {"gflops", OrNull(stage.gigaflops)},
                                {"of_ceiling", OrNull(stage.of_ceiling)},
                                {"runs", stage.runs}});
  }
  object["notes"] = report.notes;
  fmt::print("{}\n", object.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int RunBench(const Words& words) {
  CLI::App app("Speed on this machine: each stage of a picture's way, and passes beside what is possible.",
               "prefiqs bench");
  NetworkArguments network;
  RecipeArguments recipe;
  RunArguments run;
  BenchArguments arguments;
  BenchOptions options;
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  app.add_option("--pictures", arguments.pictures,
                 "Photographs, to measure decoding and detection too; with --aligned crops [noise]")
      ->type_name("FILE...");
  app.add_flag("--aligned", run.aligned, "The pictures are aligned crops");
  app.add_option("--detector", run.detector, "Detector network [default: the one that comes with prefiqs]")
      ->type_name("FILE|default");
  app.add_option("--method", arguments.method, "As of score [drift]")->type_name("METHOD");
  app.add_option("--precision", run.precision, "fp32 or bf16, as of score [fp32]")->type_name("P");
  app.add_option("--executor", run.executor, "onednn, or reference: slow, for checking [onednn]")->type_name("E");
  app.add_option("--threads", arguments.threads, "0: all that this process may use [1 and 0]")->type_name("N,...");
  app.add_option("--batch", arguments.batch, "Pictures given at once [1,8]")->type_name("N,...");
  app.add_option("--seconds", options.seconds, "About how long it takes; large networks take what they need [30]")
      ->type_name("S")
      ->check(AboveZero<double>());
  AddMaxPixelsOption(app, options.limits);
  app.add_flag("--json", arguments.json, "As JSON");
  app.footer(kExamples);
  Words rest = words;
  options.pictures = TakePictures(rest);
  if (!Parse(app, std::move(rest))) return 0;
  options.pictures.insert(options.pictures.end(), arguments.pictures.begin(), arguments.pictures.end());
  options.threads = ParseThreads(arguments.threads);
  options.batches = ParseCounts(arguments.batch, "--batch", 1);
  const Method method = ParseMethod(arguments.method);
  if (!prunes(method) && MakeRecipe(recipe)) {
    throw Error(ErrorCode::kUsage, fmt::format("--method {} prunes nothing: leave the recipe out", arguments.method));
  }
  if (method == Method::kOutput) {
    if (!network.model.empty()) {
      throw Error(ErrorCode::kUsage, fmt::format("--method {} is the network: leave --model out", arguments.method));
    }
    network.model = arguments.method.substr(kNetworkMethod.size());
    network.tells_quality = true;
  }
  if (options.pictures.empty()) {
    run.aligned = true;  // noise is not searched
    run.guard = "none";
  }
  options.assessor = MakeJob(run).assessor;
  options.assessor.method = method;
  options.assessor.recipe = MakeRecipe(recipe);
  {
    const Network loaded = LoadNetwork(network);
    SayRemarks(loaded);
    CheckAutoRecipe(recipe, loaded);
    options.model = loaded.path();
    options.network = {
        .preprocessing = loaded.preprocessing(), .tells_quality = network.tells_quality, .sidecar = network.sidecar};
  }
  options.on_stage = [](const std::string& stage) { Say(fmt::format("prefiqs: {}\n", stage)); };
  const BenchReport report = run_bench(options);
  if (arguments.json) {
    PrintJson(options, report);
  } else {
    PrintTable(options, report);
  }
  return 0;
}

}  // namespace prefiqs::cli

// `prefiqs explain`.
#include <fmt/format.h>
#include <prefiqs/demo.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/limit_options.h"
#include "cli/messages.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/run_options.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs explain ann.jpg --output map.png
  prefiqs explain crop.png --aligned --output map.png --model arcface.onnx --preset arcface --sparsity 0.2 --scope layer
  prefiqs explain ann.jpg --output map.png --patch 0.15 --fill grey       does the map depend on how it was asked?

Hides one square of the crop after the other and asks for the quality anew. The map shows the crop and, over it in grey,
what the quality hangs on: red, the face scores better without this region; blue, it scores worse without it. The table
gives the mean over the ninths of the crop. It is occlusion sensitivity: it tells what this score of this face answers to, not
what is wrong with the face; patch size and fill matter, so look at two before you believe one.)";

// What lies under another name than it is would be taken for that.
void CheckMapName(const std::string& output) {
  std::string extension = std::filesystem::path(output).extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  if (extension.empty() || extension == ".png") return;
  throw Error(ErrorCode::kUsage, fmt::format("--output {}: the map is a PNG, name it .png", output));
}

PatchFill ParseFill(const std::string& text) {
  return Choose<PatchFill>("--fill", text,
                           {{"blur", PatchFill::kBlurred}, {"mean", PatchFill::kMean}, {"grey", PatchFill::kGrey}});
}

Method ParseExplained(const std::string& text) {
  std::vector<Choice<Method>> choices;
  for (const Method method : {Method::kDrift, Method::kPrunedNorm, Method::kJvp, Method::kNorm, Method::kStochastic}) {
    choices.push_back({name(method), method});
  }
  return Choose("--method", text, choices);
}

// Means over the ninths of the crop.
std::string Ninths(const Explanation& explanation) {
  constexpr std::array<const char*, 3> kRows{"upper", "middle", "lower"};
  std::vector<std::vector<std::string>> rows;
  for (int row = 0; row < 3; ++row) {
    std::vector<std::string>& cells = rows.emplace_back();
    cells.push_back(kRows[static_cast<std::size_t>(row)]);
    for (int column = 0; column < 3; ++column) {
      double sum = 0;
      int count = 0;
      for (int y = explanation.crop.height * row / 3; y < explanation.crop.height * (row + 1) / 3; ++y) {
        for (int x = explanation.crop.width * column / 3; x < explanation.crop.width * (column + 1) / 3; ++x) {
          const float change = explanation.change[static_cast<std::size_t>(y * explanation.crop.width + x)];
          if (!std::isfinite(change)) continue;
          sum += change;
          ++count;
        }
      }
      cells.push_back(count == 0 ? std::string("-") : fmt::format("{:+.4f}", sum / count));
    }
  }
  return FormatTable({{"hidden"}, {"left", Align::kRight}, {"centre", Align::kRight}, {"right", Align::kRight}}, rows);
}

void PrintPeak(const Explanation& explanation, bool costs) {
  std::size_t peak = 0;
  for (std::size_t i = 0; i < explanation.change.size(); ++i) {
    const float change = explanation.change[i], best = explanation.change[peak];
    if (std::isfinite(change) && (!std::isfinite(best) || (costs ? change > best : change < best))) peak = i;
  }
  const float change = explanation.change[peak];
  if (!std::isfinite(change) || (costs ? change <= 0 : change >= 0)) {
    fmt::print("no region {} quality\n", costs ? "costs" : "carries");
    return;
  }
  const auto width = static_cast<std::size_t>(explanation.crop.width);
  fmt::print("{} most: around ({}, {}) of the crop's {}x{} pixels, {:+.4f} when hidden\n", costs ? "costs" : "carries",
             peak % width, peak / width, explanation.crop.width, explanation.crop.height, change);
}

}  // namespace

int RunExplain(const Words& words) {
  CLI::App app("Which regions of a face its quality hangs on, as a picture.", "prefiqs explain");
  NetworkArguments network;
  RecipeArguments recipe;
  ExplainOptions options;
  std::string picture, output, detector, guard, fill = "blur", method = "drift";
  bool aligned = false, force = false, allow_failures = false;
  ImageLimits limits;
  app.add_option("PICTURE", picture, "Its best face is explained (score --help: --faces best)")
      ->required()
      ->type_name("");
  app.add_option("--output", output, "The map")->required()->type_name("FILE.png");
  app.add_flag("--force", force, "Overwrites what is there");
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  app.add_option("--method", method, "drift, pruned-norm, jvp, norm or stochastic, as for score [drift]")
      ->type_name("M");
  app.add_flag("--aligned", aligned, "The picture is an aligned crop");
  app.add_option("--detector", detector, "Detector network [default: the one that comes with prefiqs]")
      ->type_name("FILE|default");
  app.add_option("--guard", guard,
                 "Detector that looks once more at what may be no face, as for score [default: with --aligned the one "
                 "that comes with prefiqs, else --detector's]")
      ->type_name("FILE|default|none");
  app.add_option("--patch", options.patch, "Side of the hidden square, of the crop's height [0.25]")
      ->type_name("SHARE");
  app.add_option("--step", options.step, "From one place to the next, of the crop's height [0.0625]")
      ->type_name("SHARE");
  app.add_option("--fill", fill, "What hides: blur (the crop, blurred), mean (its colour) or grey [blur]")
      ->type_name("F");
  AddThreadsOption(app, options.assessor.threads);
  AddMaxPixelsOption(app, limits);
  AddFailureOption(app, allow_failures,
                   "the picture cannot be read, has no face, or its face is refused by the guard; standard error says "
                   "so all the same");
  app.footer(kExamples);
  if (!Parse(app, words)) return 0;
  if (aligned && !detector.empty()) {
    throw Error(ErrorCode::kUsage, "--aligned and --detector exclude each other: crops are not searched for faces");
  }
  CheckMapName(output);
  options.fill = ParseFill(fill);
  options.assessor.method = ParseExplained(method);
  options.assessor.recipe = MakeRecipe(recipe);
  if (!force && std::filesystem::exists(output)) {
    throw Error(ErrorCode::kIo, fmt::format("{}: exists already; --force overwrites it", output));
  }
  if (!aligned) options.assessor.detector = LoadDetector(detector);
  options.assessor.guarded = guard != "none";
  options.assessor.guard = LoadGuard(guard, options.assessor.detector);
  const Network loaded = LoadNetwork(network);
  WarnIfAssumed(loaded);
  CheckAutoRecipe(recipe, loaded);
  const Explanation explanation = explain(loaded, Image::open(picture, limits), options);
  const Assessment& face = explanation.assessment;
  const int status = face.status == Status::kOk || allow_failures ? 0 : 1;
  if (face.status != Status::kOk) {
    Say(fmt::format("prefiqs: {}: {}{}{}\n", picture, info(face.status).text, face.detail.empty() ? "" : ": ",
                    face.detail));
    if (explanation.change.empty()) return status;
    Say("prefiqs: the map is of what the networks make of it all the same\n");
  }
  write_png(draw(explanation), output);
  fmt::print("quality {:.4f}; {} hidden, mean change of quality:\n\n{}\n", face.quality,
             Count(explanation.patches, "place"), Ninths(explanation));
  PrintPeak(explanation, true);
  PrintPeak(explanation, false);
  fmt::print("the map: {}\n", output);
  return status;
}

}  // namespace prefiqs::cli

// `prefiqs demo`.
#include <fmt/format.h>
#include <prefiqs/demo.h>

#include <cmath>
#include <filesystem>

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
  scripts/run demo                                the NASA portrait and pictures of no face, from a Debian package
  prefiqs demo PHOTOS/ --page photos.html         your own
  prefiqs demo PHOTOS/ --model arcface.onnx --preset arcface --detector yunet.onnx

Scores every picture, makes the best face worse step by step (blur, resolution, noise, JPEG, light, occlusion,
roll, shift), and shows both on one HTML page that needs nothing else. Pictures without a face are scored in their middle,
to show where they end. Faces are found, and doubted, as by score. Earlier pages and figures are written over, other
files with --force alone.)";

std::string Score(double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string("-"); }

void PrintPictures(const DemoReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const DemoPicture& p : report.pictures) {
    rows.push_back({std::filesystem::path(p.path).filename().string(), std::string(info(p.status).name),
                    Score(p.quality), Score(p.drift), p.scalar >= 0 ? fmt::format("{}", p.scalar) : std::string("-")});
  }
  fmt::print(
      "{}\n",
      FormatTable(
          {{"picture"}, {"status"}, {"quality", Align::kRight}, {"drift", Align::kRight}, {"of 100", Align::kRight}},
          rows));
}

void PrintSeries(const DemoReport& report) {
  if (report.series.empty()) return;
  std::vector<TableColumn> columns{{"made worse by"}};
  for (std::size_t i = 0; i < report.series[0].strengths.size(); ++i) {
    columns.push_back({i == 0 ? "as it is" : fmt::format("step {}", i), Align::kRight});
  }
  columns.push_back({"rank correlation", Align::kRight});
  std::vector<std::vector<std::string>> rows;
  for (const DemoSeries& series : report.series) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(series.name);
    for (const double quality : series.qualities) row.push_back(Score(quality));
    row.push_back(series.rank_correlation ? fmt::format("{:.2f}", *series.rank_correlation) : std::string("-"));
  }
  fmt::print("{}, made worse\n\n{}\n", std::filesystem::path(report.portrait).filename().string(),
             FormatTable(columns, rows));
}

}  // namespace

int RunDemo(const Words& words) {
  CLI::App app("Shows on pictures what a network's score is good for.", "prefiqs demo");
  NetworkArguments network;
  RecipeArguments recipe;
  std::string detector, guard;
  bool allow_failures = false;
  DemoOptions demo;
  demo.page = "prefiqs-demo.html";
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  app.add_option("--detector", detector, "Detector network [default: the one that comes with prefiqs]")
      ->type_name("FILE|default");
  app.add_option("--page", demo.page, "The HTML page [prefiqs-demo.html]")->type_name("FILE");
  app.add_option("--figure", demo.figure, "The curves of the face made worse, for printing")->type_name("FILE.svg");
  app.add_flag("--force", demo.force, "Overwrites what is there, whatever it is");
  app.add_option("--guard", guard,
                 "Detector that looks once more at detections of little confidence [default: --detector's]")
      ->type_name("FILE|default|none");
  AddThreadsOption(app, demo.assessor.threads);
  AddMaxPixelsOption(app, demo.limits);
  AddFailureOption(
      app, allow_failures,
      "--figure is asked for and no picture has a face to make worse; standard error says so all the same. "
      "Other pictures that fail do not change the status");
  app.footer(kExamples);
  if (!ParseWithInputs(app, words, "Pictures and folders, as for score", demo.inputs)) return 0;
  demo.assessor.recipe = MakeRecipe(recipe);
  demo.assessor.detector = LoadDetector(detector);
  demo.assessor.guarded = guard != "none";
  demo.assessor.guard = LoadGuard(guard, demo.assessor.detector);
  const Network loaded = LoadNetwork(network);
  WarnIfAssumed(loaded);
  CheckAutoRecipe(recipe, loaded);
  const DemoReport report = run_demo(loaded, demo);
  if (!report.warning.empty()) Say(fmt::format("prefiqs: warning: {}\n", report.warning));
  PrintPictures(report);
  PrintSeries(report);
  if (report.faces > 0 && report.non_faces > 0) {
    fmt::print("{} of {} of a face and a picture of none {} the wrong way round\n", report.inverted,
               Count(report.faces * report.non_faces, "pair"), WordFor(report.inverted, "is", "are"));
  }
  fmt::print("the page: {}\n", demo.page);
  if (!demo.figure.empty() && report.series.empty()) {
    Say(fmt::format("prefiqs: {}: not written: in no picture was a face found to make worse\n", demo.figure));
    return allow_failures ? 0 : 1;
  }
  return 0;
}

}  // namespace prefiqs::cli

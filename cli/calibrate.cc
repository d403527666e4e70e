// `prefiqs calibrate`: what a network's qualities mean among faces.
#include <fmt/format.h>
#include <prefiqs/job.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/run_options.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs calibrate arcface.onnx FACES/ --preset arcface --detector yunet.onnx --source "enrolment, 2025"
  prefiqs calibrate arcface.onnx CROPS/ --aligned --sparsity 0.3 --scope layer
  prefiqs calibrate arcface.onnx FACES/ --preset arcface --recipe auto
      chooses the recipe too, the paper's unless these faces drift too far by it, else how much goes of each layer and
      from which layer on, and keeps it beside the network: score uses it from then on

Assesses the faces and writes the percentiles of their quality beside the network, into MODEL.json. From then on
`scalar` is 0 to 100: the share of these faces that are worse. A thousand faces or more, of the kind that the network
will meet, are wanted; 100 at least. It holds for this recipe and preprocessing only. An earlier calibration is
replaced with --force alone, and then for everybody who uses that file: to keep the one that comes with prefiqs, copy
the network and calibrate the copy, or let --sidecar FILE name another file: it is written in place of MODEL.json, as a
copy of that where it is new, and score and the others read it with the same option.)";

// Before faces are assessed for nothing. `is_named`: by --sidecar; `is_new`: not there, so that it replaces no
// calibration.
void CheckSidecar(const Network& network, bool choose, bool force, bool is_named, bool is_new) {
  const std::optional<Calibration> earlier = network.calibration();
  if (earlier && !force && !is_new) {
    throw Error(ErrorCode::kIo, fmt::format("{}: is calibrated already, by {}; --force replaces it, in {}",
                                            network.path(), Describe(earlier), network.sidecar()));
  }
  try {
    network.check_calibration_can_be_saved(choose);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kIo || is_named) throw;
    throw Error(e.code(), fmt::format("{}; --sidecar FILE names another file for the calibration", e.what()));
  }
}

Recipe Choose(const Network& network, const JobOptions& job) {
  const RecipeChoice choice = choose_recipe(network, job);
  std::vector<std::vector<std::string>> rows;
  for (const RecipeCandidate& c : choice.candidates) {
    Recipe whole = c.recipe, kept = choice.recipe;
    whole.from = kept.from = 0;
    const bool asked = choice.candidates.size() > 1 && whole == kept;  // about depth
    rows.push_back({c.recipe.name(), fmt::format("{:.3f}", c.mean_drift),
                    asked ? fmt::format("{:.1f} %", 100 * c.tells_worse) : "",
                    asked && c.recipe.from > 0 ? fmt::format("{:.0f} %", 100 * c.sure) : "",
                    c.recipe == choice.recipe ? "chosen" : ""});
  }
  Say(FormatTable(
      {{"recipe"}, {"mean drift", Align::kRight}, {"tells worse", Align::kRight}, {"surely", Align::kRight}, {""}},
      rows));
  const std::string why =
      choice.candidates.size() == 1
          ? fmt::format("the paper's, whose mean drift is within {}", choice.stands)
          : fmt::format(
                "the paper's drifts over {}, so thresholds per layer, whichever is nearest to a small drift; {}",
                choice.stands,
                choice.recipe.from > 0 ? "of its deeper copies this one surely tells more of what was made worse"
                                       : "none of its deeper copies surely tells more of what was made worse");
  Say(fmt::format("prefiqs: chose recipe {} by {} faces: {}\n", choice.recipe.name(), choice.faces, why));
  return choice.recipe;
}

}  // namespace

int RunCalibrate(const Words& words) {
  CLI::App app("Maps qualities to 0-100 by a reference set of faces.", "prefiqs calibrate");
  NetworkArguments network;
  RecipeArguments recipe;
  RunArguments run;
  std::string source;
  bool force = false;
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  AddFaceOptions(app, run);
  AddExecutionOptions(app, run);
  AddSkippedOption(app, run);
  app.add_option("--source", source, "What the faces are, for people [the inputs]")->type_name("TEXT");
  app.add_flag("--force", force, "Replaces an earlier calibration");
  app.footer(kExamples);
  std::vector<std::string>& inputs = run.job.inputs;
  if (!ParseWithInputs(app, words, "MODEL, then faces: pictures, folders, @lists or - as for score", inputs)) return 0;
  if (inputs.size() < 2) throw Error(ErrorCode::kUsage, "calibrate needs MODEL and faces: prefiqs calibrate --help");
  network.model = inputs.front();
  inputs.erase(inputs.begin());
  if (source.empty()) source = fmt::format("{}", fmt::join(inputs, ", "));

  JobOptions job = MakeJob(run);
  const std::optional<Recipe> named = MakeRecipe(recipe);  // refuses what --recipe does not go with
  network.new_sidecar = true;
  std::error_code ignored;
  const bool is_new = !network.sidecar.empty() && !std::filesystem::exists(network.sidecar, ignored);
  const Network loaded = LoadNetwork(network);
  const bool choose = recipe.file == kAutoRecipe;
  CheckSidecar(loaded, choose, force, !network.sidecar.empty(), is_new);
  WarnIfAssumed(loaded);
  const std::optional<Recipe> asked = choose ? Choose(loaded, job) : named;
  const Recipe used = asked ? *asked : loaded.stored_recipe().value_or(Recipe{});
  job.assessor.recipe = used;
  job.rows = false;
  std::vector<float> qualities;
  job.on_face = [&](const std::string&, int, const Assessment& a) {
    if (a.status == Status::kOk) qualities.push_back(a.quality);
  };
  const int status = RunJob(loaded, std::move(job));
  if (status > 1) return status;
  Calibration calibration = Calibration::of(std::move(qualities), used, loaded.preprocessing());
  calibration.source = source;
  const std::string path = loaded.save_calibration(calibration, choose);
  Say(fmt::format("prefiqs: {}: {} faces, recipe {}, quality from {:.4f} over {:.4f} (median) to {:.4f}\n", path,
                  calibration.faces, used.name(), calibration.quality.front(), calibration.quality[50],
                  calibration.quality.back()));
  return 0;
}

}  // namespace prefiqs::cli
